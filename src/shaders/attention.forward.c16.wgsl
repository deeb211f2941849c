// Attention, forward pass, streaming, heads of sixteen channels.
//   y = sum over keys of softmax(scale * q . k) v.  Online softmax: Milakov & Gimelshein 2018, arXiv:1805.02867.
//   Window and causal mask: Trinity, eq. 6-8.
//
//   q_TH           [T, H * C]  in   queries, heads one behind the other
//   k_TG, v_TG     [T, G * C]  in   keys and values; query head h reads key-value head h * G / H
//   documents_T    [T]         in   document of each token; only compared within a sequence
//   y_TH           [T, H * C]  out
//   lse_TH         [T, H]      out  log of the sum of exponentials, for the backward pass
//   gate_TH        [T, H * C]  in   where GATED is 1
//   gated_TH       [T, H * C]  out  y * sigmoid(gate), Trinity, eq. 11-14; where GATED is 1
//
// A query at s of its sequence sees keys max(0, s - window + 1) .. s, of its own document where params.masked
// is 1. Nothing of size S x S exists. C is 16, and a row one matrix: not every
// compiler keeps an array in registers. `attention.forward.wgsl` is the plain twin.
// One thread per query and head. Dispatch: ceil(T * H / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  S: u32,
  H: u32,
  G: u32,
  C: u32,
  window: u32,
  masked: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q_TH: array<vec4f>;
@group(0) @binding(2) var<storage, read> k_TG: array<vec4f>;
@group(0) @binding(3) var<storage, read> v_TG: array<vec4f>;
@group(0) @binding(4) var<storage, read> documents_T: array<u32>;
@group(0) @binding(5) var<storage, read_write> y_TH: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lse_TH: array<f32>;
@group(0) @binding(7) var<storage, read> gate_TH: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gated_TH: array<vec4f>;

const THREADS = 64u;
override WIDTH = 4u; // C / 4
override GATED = 0u;

fn inner(x: mat4x4f, y: mat4x4f) -> f32 {
  return dot(x[0], y[0]) + dot(x[1], y[1]) + dot(x[2], y[2]) + dot(x[3], y[3]);
}

fn query(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(q_TH[at], q_TH[at + 1u], q_TH[at + 2u], q_TH[at + 3u]);
}

fn key(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(k_TG[at], k_TG[at + 1u], k_TG[at + 2u], k_TG[at + 3u]);
}

fn value(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(v_TG[at], v_TG[at + 1u], v_TG[at + 2u], v_TG[at + 3u]);
}

/// exp of a large positive number would be infinite, and infinity is not safe in WGSL.
fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-max(x, vec4f(-80.0))));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.H) { return; }
  let t = i / params.H;
  let g = (i % params.H) * params.G / params.H;
  let document = documents_T[t];
  let q = params.scale * query(i);
  var sum: mat4x4f;
  var highest = -3.0e38;
  var total = 0.0;
  for (var at = t - min(t % params.S, params.window - 1u); at <= t; at++) {
    if (params.masked == 1u && documents_T[at] != document) { continue; }
    let row = at * params.G + g;
    let score = inner(q, key(row));
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      sum *= shrink;
      highest = score;
    }
    let weight = exp(score - highest);
    total += weight;
    sum += weight * value(row);
  }
  for (var c = 0u; c < WIDTH; c++) {
    let at = i * WIDTH + c;
    let y = sum[c] / total;
    y_TH[at] = y;
    if (GATED == 1u) { gated_TH[at] = y * sigmoid(gate_TH[at]); }
  }
  lse_TH[i] = highest + log(total);
}
