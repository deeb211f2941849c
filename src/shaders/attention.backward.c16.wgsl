// Attention, backward pass, streaming, heads of sixteen channels. With p = exp(scale * q . k - lse), recomputed:
//   delta = dy . y,  dp = dy . v,  ds = p (dp - delta)
//   dq = scale * sum over keys of ds k,  dk = scale * sum over queries of ds q,  dv = sum over queries of p dy
// Dao et al. 2022, arXiv:2205.14135, algorithm 4, without its tiles.
//
//   q_TH, dy_TH  [T, H * C]  in   queries, and the gradient of the output
//   k_TG, v_TG     [T, G * C]  in   keys and values; query head h reads key-value head h * G / H
//   documents_T    [T]         in   document of each token; only compared within a sequence
//   stats_TH       [T, H, 2]   in   lse of the forward pass, and delta, from `attention.delta.wgsl`
//   out0, out1     in/out      dq (`dq`); dk and dv (`dkv`); added to where params.add is 1, else overwritten
//
// A query at s of its sequence sees keys max(0, s - window + 1) .. s, of its own document where params.masked
// is 1. Nothing of size S x S exists. C is 16, and a row one matrix: not every
// compiler keeps an array in registers. `attention.backward.wgsl` is the plain twin.
// dq: one thread per query and head.  Dispatch: ceil(T * H / THREADS) workgroups, spread over x and y.
// dkv: one thread per key and key-value head; it walks over the queries that see the key, in order.
//   Dispatch: ceil(T * G / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  S: u32,
  H: u32,
  G: u32,
  C: u32,
  window: u32,
  masked: u32,
  scale: f32,
  add0: u32,
  add1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q_TH: array<vec4f>;
@group(0) @binding(2) var<storage, read> k_TG: array<vec4f>;
@group(0) @binding(3) var<storage, read> v_TG: array<vec4f>;
@group(0) @binding(4) var<storage, read> documents_T: array<u32>;
@group(0) @binding(5) var<storage, read> dy_TH: array<vec4f>;
@group(0) @binding(6) var<storage, read> stats_TH: array<vec2f>; // (lse, delta)
@group(0) @binding(7) var<storage, read_write> out0: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> out1: array<vec4f>;

const THREADS = 64u;
override WIDTH = 4u; // C / 4

fn inner(x: mat4x4f, y: mat4x4f) -> f32 {
  return dot(x[0], y[0]) + dot(x[1], y[1]) + dot(x[2], y[2]) + dot(x[3], y[3]);
}

fn query(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(q_TH[at], q_TH[at + 1u], q_TH[at + 2u], q_TH[at + 3u]);
}

fn gradient(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(dy_TH[at], dy_TH[at + 1u], dy_TH[at + 2u], dy_TH[at + 3u]);
}

fn key(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(k_TG[at], k_TG[at + 1u], k_TG[at + 2u], k_TG[at + 3u]);
}

fn value(row: u32) -> mat4x4f {
  let at = WIDTH * row;
  return mat4x4f(v_TG[at], v_TG[at + 1u], v_TG[at + 2u], v_TG[at + 3u]);
}

@compute @workgroup_size(THREADS)
fn dq(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.H) { return; }
  let t = i / params.H;
  let g = (i % params.H) * params.G / params.H;
  let document = documents_T[t];
  let stats = stats_TH[i];
  let q = params.scale * query(i);
  let dy = gradient(i);
  var sum: mat4x4f;
  for (var at = t - min(t % params.S, params.window - 1u); at <= t; at++) {
    if (params.masked == 1u && documents_T[at] != document) { continue; }
    let row = at * params.G + g;
    let k = key(row);
    let ds = exp(inner(q, k) - stats.x) * (inner(dy, value(row)) - stats.y);
    sum += ds * k;
  }
  for (var c = 0u; c < WIDTH; c++) {
    let at = i * WIDTH + c;
    out0[at] = params.scale * sum[c] + select(vec4f(), out0[at], params.add0 == 1u);
  }
}

@compute @workgroup_size(THREADS)
fn dkv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.G) { return; }
  let at = i / params.G;
  let heads = params.H / params.G;
  let firstHead = (i % params.G) * heads;
  let s = at % params.S;
  let end = at - s + min(params.S, s + params.window);
  let document = documents_T[at];
  let k = params.scale * key(i);
  let v = value(i);
  var dk: mat4x4f;
  var dv: mat4x4f;
  for (var t = at; t < end; t++) {
    if (params.masked == 1u && documents_T[t] != document) { continue; }
    for (var h = firstHead; h < firstHead + heads; h++) {
      let row = t * params.H + h;
      let q = query(row);
      let dy = gradient(row);
      let stats = stats_TH[row];
      let p = exp(inner(k, q) - stats.x);
      dv += p * dy;
      dk += p * (inner(v, dy) - stats.y) * q;
    }
  }
  for (var c = 0u; c < WIDTH; c++) {
    let at = i * WIDTH + c;
    out0[at] = params.scale * dk[c] + select(vec4f(), out0[at], params.add0 == 1u);
    out1[at] = dv[c] + select(vec4f(), out1[at], params.add1 == 1u);
  }
}
