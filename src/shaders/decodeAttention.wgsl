// Attention of one new token over a cache of keys and values, for generation. Cache row of position p: p mod ring.
//   keep: k and v of position live.offset go into the cache
//   main: y = sum over the cached keys of softmax(scale * q . k) v, in chunks of THREADS keys, online softmax
//         (Milakov & Gimelshein 2018, arXiv:1805.02867)
//
//   q_H             [H * C]          in
//   gain_C          [C]              in      of a norm that the keys still need, where isNormed is 1
//   k_G, v_G        [G * C]          in      of the new token
//   kCache, vCache  [ring, G * C]    in/out
//   y_H             [H * C]          out
//
// keep: one thread per channel.  Dispatch: ceil(G * C / THREADS) workgroups.
// main: one workgroup per query head; a thread takes one key of a chunk, then every THREADS-th channel (C <= 256).
//   Dispatch: H workgroups.

struct Params {
  H: u32,
  G: u32,
  C: u32,
  ring: u32,
  window: u32,
  isNormed: u32,
  scale: f32,
  eps: f32,
}

struct Live {
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> q_H: array<f32>;
@group(0) @binding(3) var<storage, read> gain_C: array<f32>;
@group(0) @binding(4) var<storage, read> k_G: array<f32>;
@group(0) @binding(5) var<storage, read> v_G: array<f32>;
@group(0) @binding(6) var<storage, read_write> kCache: array<f32>;
@group(0) @binding(7) var<storage, read_write> vCache: array<f32>;
@group(0) @binding(8) var<storage, read_write> y_H: array<f32>;

const THREADS = 64u;
const LOWEST = -3.0e38;
var<workgroup> weights: array<f32, THREADS>;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn keep(@builtin(global_invocation_id) id: vec3u) {
  let width = params.G * params.C;
  if (id.x >= width) { return; }
  let at = (live.offset % params.ring) * width + id.x;
  kCache[at] = k_G[id.x];
  vCache[at] = v_G[id.x];
}

/// q . k of query head h and the cached key that starts at `row`.
fn score(h: u32, row: u32) -> f32 {
  var dot = 0.0;
  if (params.isNormed == 0u) {
    for (var c = 0u; c < params.C; c++) { dot += q_H[h * params.C + c] * kCache[row + c]; }
    return params.scale * dot;
  }
  var squares = 0.0;
  for (var c = 0u; c < params.C; c++) {
    let k = kCache[row + c];
    squares += k * k;
    dot += q_H[h * params.C + c] * k * gain_C[c];
  }
  return params.scale * dot * inverseSqrt(squares / f32(params.C) + params.eps);
}

/// Whether the token sees the position in row `at` of the ring.
fn isSeen(at: u32) -> bool {
  return (live.offset % params.ring + params.ring - at) % params.ring < params.window;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let h = group.x;
  let width = params.G * params.C;
  let head = (h * params.G / params.H) * params.C;
  let keys = min(live.offset + 1u, params.ring);
  var highest = LOWEST;
  var total = 0.0;
  var sum = vec4f(); // channels lane, lane + 64, lane + 128, lane + 192
  for (var first = 0u; first < keys; first += THREADS) {
    let isKey = first + lane < keys && isSeen(first + lane);
    var own = LOWEST;
    if (isKey) { own = score(h, (first + lane) * width + head); }
    partial[lane] = own;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
      if (lane < half) { partial[lane] = max(partial[lane], partial[lane + half]); }
      workgroupBarrier();
    }
    let next = max(highest, partial[0]);
    let shrink = exp(highest - next);
    highest = next;
    weights[lane] = select(0.0, exp(own - next), isKey);
    workgroupBarrier();
    total *= shrink;
    sum *= shrink;
    for (var j = 0u; j < min(THREADS, keys - first); j++) {
      total += weights[j];
      let row = (first + j) * width + head;
      for (var part = 0u; part < 4u; part++) {
        let c = lane + THREADS * part;
        if (c < params.C) { sum[part] += weights[j] * vCache[row + c]; }
      }
    }
    workgroupBarrier(); // the next chunk overwrites both arrays
  }
  for (var part = 0u; part < 4u; part++) {
    let c = lane + THREADS * part;
    if (c < params.C) { y_H[h * params.C + c] = sum[part] / total; }
  }
}
