// Attention, forward pass, by broadcasts within a subgroup: a row is loaded once for eight threads, for adapters whose
// loads cost more than their sums.
//   y = sum over keys of softmax(scale * q . k) v.  Online softmax: Milakov & Gimelshein 2018, arXiv:1805.02867.
//
// Buffers and what a query sees: as in `attention.forward.vec4.wgsl`, to the bit. C is a multiple of 4, at most 64;
// `attention.forward.wgsl` is the plain twin.
//
// A workgroup of eight threads lies in one subgroup; they are eight queries of a head, one behind the other, and meet
// eight keys at a time, of which each thread loads one. Past the end the last row is repeated and not seen.
// Dispatch: ceil(S / THREADS) x H x sequences.

enable subgroups;

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

const THREADS = 8u;
const MAX = 16u;
override WIDTH = 4u; // C / 4
override GATED = 0u;

fn isSeen(key: u32, t: u32, keyDocument: u32, document: u32) -> bool {
  return key <= t && t - key < params.window && (params.masked == 0u || keyDocument == document);
}

/// exp of a large positive number would be infinite, and infinity is not safe in WGSL.
fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-max(x, vec4f(-80.0))));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let start = group.z * params.S;
  let t = group.x * THREADS + lane;
  let token = start + min(t, params.S - 1u);
  let row = token * params.H + group.y;
  let g = group.y * params.G / params.H;
  let document = documents_T[token];
  var q: array<vec4f, MAX>;
  var sum: array<vec4f, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    q[c] = params.scale * q_TH[row * WIDTH + c];
    sum[c] = vec4f();
  }
  var highest = -3.0e38;
  var total = 0.0;
  let end = min(params.S, (group.x + 1u) * THREADS);
  let first = group.x * THREADS - min(group.x * THREADS, params.window - 1u);
  for (var near = first; near < end; near += THREADS) {
    let own = start + min(near + lane, params.S - 1u);
    let at = (own * params.G + g) * WIDTH;
    let ownDocument = documents_T[own];
    var score = array<f32, THREADS>();
    for (var c = 0u; c < WIDTH; c++) {
      let k = k_TG[at + c];
      for (var j = 0u; j < THREADS; j++) { score[j] += dot(q[c], subgroupShuffle(k, j)); }
    }
    // Key by key, so that the sums are those of the other kernels; a factor of 1 changes nothing.
    var shrink: array<f32, THREADS>;
    for (var j = 0u; j < THREADS; j++) {
      let isMet = isSeen(near + j, t, subgroupShuffle(ownDocument, j), document);
      let isHigher = isMet && score[j] > highest;
      shrink[j] = select(1.0, exp(highest - score[j]), isHigher);
      highest = select(highest, score[j], isHigher);
      score[j] = select(0.0, exp(score[j] - highest), isMet);
      total = total * shrink[j] + score[j];
    }
    for (var c = 0u; c < WIDTH; c++) {
      let v = v_TG[at + c];
      for (var j = 0u; j < THREADS; j++) { sum[c] = sum[c] * shrink[j] + score[j] * subgroupShuffle(v, j); }
    }
  }
  if (t >= params.S) { return; }
  for (var c = 0u; c < WIDTH; c++) {
    let at = row * WIDTH + c;
    let y = sum[c] / total;
    y_TH[at] = y;
    if (GATED == 1u) { gated_TH[at] = y * sigmoid(gate_TH[at]); }
  }
  lse_TH[row] = highest + log(total);
}
