// Attention, forward pass, streaming.
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
// is 1. Nothing of size S x S exists. C is at most 256.
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
@group(0) @binding(1) var<storage, read> q_TH: array<f32>;
@group(0) @binding(2) var<storage, read> k_TG: array<f32>;
@group(0) @binding(3) var<storage, read> v_TG: array<f32>;
@group(0) @binding(4) var<storage, read> documents_T: array<u32>;
@group(0) @binding(5) var<storage, read_write> y_TH: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse_TH: array<f32>;
@group(0) @binding(7) var<storage, read> gate_TH: array<f32>;
@group(0) @binding(8) var<storage, read_write> gated_TH: array<f32>;

const THREADS = 64u;
const MAX = 256u;
override WIDTH = 1u; // C
override GATED = 0u;

/// exp of a large positive number would be infinite, and infinity is not safe in WGSL.
fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(-max(x, -80.0)));
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
  let s = t % params.S;
  let document = documents_T[t];
  var q: array<f32, MAX>;
  var sum: array<f32, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    q[c] = params.scale * q_TH[i * WIDTH + c];
    sum[c] = 0.0;
  }
  var highest = -3.0e38;
  var total = 0.0;
  for (var key = t - min(s, params.window - 1u); key <= t; key++) {
    if (params.masked == 1u && documents_T[key] != document) { continue; }
    let at = (key * params.G + g) * WIDTH;
    var score = 0.0;
    for (var c = 0u; c < WIDTH; c++) { score += q[c] * k_TG[at + c]; }
    if (score > highest) {
      let shrink = exp(highest - score);
      total *= shrink;
      for (var c = 0u; c < WIDTH; c++) { sum[c] *= shrink; }
      highest = score;
    }
    let weight = exp(score - highest);
    total += weight;
    for (var c = 0u; c < WIDTH; c++) { sum[c] += weight * v_TG[at + c]; }
  }
  for (var c = 0u; c < WIDTH; c++) {
    let at = i * WIDTH + c;
    let y = sum[c] / total;
    y_TH[at] = y;
    if (GATED == 1u) { gated_TH[at] = y * sigmoid(gate_TH[at]); }
  }
  lse_TH[i] = highest + log(total);
}
