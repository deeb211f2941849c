// Attention, backward pass, by broadcasts within a subgroup: a row is loaded once for eight threads, for adapters whose
// loads cost more than their sums. Formulas, buffers and what a query sees: as in `attention.backward.vec4.wgsl`, to
// the bit; `attention.backward.wgsl` is the plain twin. C is a multiple of 4, at most 64.
//
// A workgroup of eight threads lies in one subgroup. dq: its threads are eight queries of a head, one behind the
// other, and meet eight keys at a time, of which each thread loads one. dkv: its threads are eight keys and meet eight
// queries, all heads of one before the next. Past the end the last row is repeated and not seen.
// Dispatch, both: ceil(S / THREADS) x heads of the threads' rows (H or G) x sequences.

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

const THREADS = 8u;
const MAX = 16u;
override WIDTH = 4u; // C / 4

/// Row products of the eight rows that lie spread over the threads with this thread's own row.
fn met(own: ptr<function, array<vec4f, MAX>>, spread: ptr<function, array<vec4f, MAX>>) -> array<f32, THREADS> {
  var sum = array<f32, THREADS>();
  for (var c = 0u; c < WIDTH; c++) {
    for (var j = 0u; j < THREADS; j++) { sum[j] += dot((*own)[c], subgroupShuffle((*spread)[c], j)); }
  }
  return sum;
}

fn isSeen(key: u32, t: u32, keyDocument: u32, document: u32) -> bool {
  return key <= t && t - key < params.window && t < params.S && (params.masked == 0u || keyDocument == document);
}

@compute @workgroup_size(THREADS)
fn dq(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let start = group.z * params.S;
  let t = group.x * THREADS + lane;
  let token = start + min(t, params.S - 1u);
  let row = token * params.H + group.y;
  let g = group.y * params.G / params.H;
  let document = documents_T[token];
  let stats = stats_TH[row];
  var q: array<vec4f, MAX>;
  var dy: array<vec4f, MAX>;
  var sum: array<vec4f, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    q[c] = params.scale * q_TH[row * WIDTH + c];
    dy[c] = dy_TH[row * WIDTH + c];
    sum[c] = vec4f();
  }
  let end = min(params.S, (group.x + 1u) * THREADS);
  let first = group.x * THREADS - min(group.x * THREADS, params.window - 1u);
  for (var near = first; near < end; near += THREADS) {
    let own = start + min(near + lane, params.S - 1u);
    let ownDocument = documents_T[own];
    var k: array<vec4f, MAX>;
    var v: array<vec4f, MAX>;
    for (var c = 0u; c < WIDTH; c++) {
      k[c] = k_TG[(own * params.G + g) * WIDTH + c];
      v[c] = v_TG[(own * params.G + g) * WIDTH + c];
    }
    var ds = met(&q, &k);
    var dp = met(&dy, &v);
    for (var j = 0u; j < THREADS; j++) {
      let isMet = isSeen(near + j, t, subgroupShuffle(ownDocument, j), document);
      ds[j] = select(0.0, exp(ds[j] - stats.x), isMet) * (dp[j] - stats.y);
    }
    for (var c = 0u; c < WIDTH; c++) {
      for (var j = 0u; j < THREADS; j++) { sum[c] += ds[j] * subgroupShuffle(k[c], j); }
    }
  }
  if (t >= params.S) { return; }
  for (var c = 0u; c < WIDTH; c++) {
    let at = row * WIDTH + c;
    out0[at] = params.scale * sum[c] + select(vec4f(), out0[at], params.add0 == 1u);
  }
}

@compute @workgroup_size(THREADS)
fn dkv(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let start = group.z * params.S;
  let key = group.x * THREADS + lane;
  let token = start + min(key, params.S - 1u);
  let row = token * params.G + group.y;
  let document = documents_T[token];
  var k: array<vec4f, MAX>;
  var v: array<vec4f, MAX>;
  var dk: array<vec4f, MAX>;
  var dv: array<vec4f, MAX>;
  for (var c = 0u; c < WIDTH; c++) {
    k[c] = params.scale * k_TG[row * WIDTH + c];
    v[c] = v_TG[row * WIDTH + c];
    dk[c] = vec4f();
    dv[c] = vec4f();
  }
  let heads = params.H / params.G;
  let end = heads * min(params.S, (group.x + 1u) * THREADS + params.window - 1u);
  for (var near = heads * group.x * THREADS; near < end; near += THREADS) {
    // (near + lane) / heads: software adapters divide whole numbers slowly, and one by one.
    let t = u32((f32(near + lane) + 0.5) / f32(heads));
    let own = start + min(t, params.S - 1u);
    let ownRow = own * params.H + group.y * heads + (near + lane - t * heads);
    let ownDocument = documents_T[own];
    let stats = stats_TH[ownRow];
    var q: array<vec4f, MAX>;
    var dy: array<vec4f, MAX>;
    for (var c = 0u; c < WIDTH; c++) {
      q[c] = q_TH[ownRow * WIDTH + c];
      dy[c] = dy_TH[ownRow * WIDTH + c];
    }
    var p = met(&k, &q);
    var ds = met(&v, &dy);
    for (var j = 0u; j < THREADS; j++) {
      let isMet = isSeen(key, subgroupShuffle(t, j), document, subgroupShuffle(ownDocument, j));
      p[j] = select(0.0, exp(p[j] - subgroupShuffle(stats.x, j)), isMet);
      ds[j] = p[j] * (ds[j] - subgroupShuffle(stats.y, j));
    }
    for (var c = 0u; c < WIDTH; c++) {
      for (var j = 0u; j < THREADS; j++) { dv[c] += p[j] * subgroupShuffle(dy[c], j); }
    }
    for (var c = 0u; c < WIDTH; c++) {
      for (var j = 0u; j < THREADS; j++) { dk[c] += ds[j] * subgroupShuffle(q[c], j); }
    }
  }
  if (key >= params.S) { return; }
  for (var c = 0u; c < WIDTH; c++) {
    let at = row * WIDTH + c;
    out0[at] = params.scale * dk[c] + select(vec4f(), out0[at], params.add0 == 1u);
    out1[at] = dv[c] + select(vec4f(), out1[at], params.add1 == 1u);
  }
}
