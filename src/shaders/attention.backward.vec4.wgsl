// Attention, backward pass, streaming, channels in fours. With p = exp(scale * q . k - lse), recomputed:
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
// is 1. Nothing of size S x S exists. C is a multiple of 4, at most 256; `attention.backward.wgsl` is the plain twin.
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
const MAX = 64u;
override WIDTH = 4u; // C / 4

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
  let lse = stats_TH[i].x;
  let delta = stats_TH[i].y;
  var q: array<vec4f, MAX>;
  var dy: array<vec4f, MAX>;
  var k: array<vec4f, MAX>; // read once for both products
  var sum: array<vec4f, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    q[c] = params.scale * q_TH[i * WIDTH + c];
    dy[c] = dy_TH[i * WIDTH + c];
    sum[c] = vec4f();
  }
  for (var key = t - min(t % params.S, params.window - 1u); key <= t; key++) {
    if (params.masked == 1u && documents_T[key] != document) { continue; }
    let at = (key * params.G + g) * WIDTH;
    var score = 0.0;
    var dp = 0.0;
    for (var c = 0u; c < WIDTH; c++) {
      k[c] = k_TG[at + c];
      score += dot(q[c], k[c]);
      dp += dot(dy[c], v_TG[at + c]);
    }
    let ds = exp(score - lse) * (dp - delta);
    for (var c = 0u; c < WIDTH; c++) { sum[c] += ds * k[c]; }
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
  let key = i / params.G;
  let heads = params.H / params.G;
  let firstHead = (i % params.G) * heads;
  let s = key % params.S;
  let end = key - s + min(params.S, s + params.window);
  let document = documents_T[key];
  var k: array<vec4f, MAX>;
  var v: array<vec4f, MAX>;
  var q: array<vec4f, MAX>; // as dy, read once for both products
  var dy: array<vec4f, MAX>;
  var dk: array<vec4f, MAX>;
  var dv: array<vec4f, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    k[c] = params.scale * k_TG[i * WIDTH + c];
    v[c] = v_TG[i * WIDTH + c];
    dk[c] = vec4f();
    dv[c] = vec4f();
  }
  for (var t = key; t < end; t++) {
    if (params.masked == 1u && documents_T[t] != document) { continue; }
    for (var h = firstHead; h < firstHead + heads; h++) {
      let row = t * params.H + h;
      let at = row * WIDTH;
      var score = 0.0;
      var dp = 0.0;
      for (var c = 0u; c < WIDTH; c++) {
        q[c] = q_TH[at + c];
        dy[c] = dy_TH[at + c];
        score += dot(k[c], q[c]);
        dp += dot(v[c], dy[c]);
      }
      let p = exp(score - stats_TH[row].x);
      let ds = p * (dp - stats_TH[row].y);
      for (var c = 0u; c < WIDTH; c++) {
        dv[c] += p * dy[c];
        dk[c] += ds * q[c];
      }
    }
  }
  for (var c = 0u; c < WIDTH; c++) {
    let at = i * WIDTH + c;
    out0[at] = params.scale * dk[c] + select(vec4f(), out0[at], params.add0 == 1u);
    out1[at] = dv[c] + select(vec4f(), out1[at], params.add1 == 1u);
  }
}
