// `headNormRope.backward.wgsl`, its plain twin, four channels at a time: formulas as there, C a multiple of 8.
//
//   x, gain_C, table_PC, rstd_R, dheads, drest, dx   as there
//
// One thread per head of a token. Dispatch: ceil(T * N / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  N: u32,
  C: u32,
  S: u32,
  hasNorm: u32,
  isTurned: u32,
  hasRest: u32,
  add: u32,
}

struct Live {
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> gain_C: array<vec4f>;
@group(0) @binding(4) var<storage, read> table_PC: array<vec4f>;
@group(0) @binding(5) var<storage, read> rstd_R: array<f32>;
@group(0) @binding(6) var<storage, read> dheads: array<vec4f>;
@group(0) @binding(7) var<storage, read> drest: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dx: array<vec4f>;

const THREADS = 64u;

/// A head of a token: where its channels stand in x and among the heads, and its row of the table. In fours.
struct Head {
  source: u32,
  goal: u32,
  angles: u32,
}

fn headOf(row: u32) -> Head {
  let t = row / params.N;
  let C4 = params.C / 4u;
  let start = t * params.N * C4 * (1u + params.hasRest) + (row % params.N) * C4;
  return Head(start, row * C4, (live.offset + t % params.S) * C4);
}

fn gain(c: u32) -> vec4f {
  if (params.hasNorm == 1u) { return gain_C[c]; }
  return vec4f(1.0);
}

/// Four pairs, the first channels and the second ones.
struct Pairs {
  low: vec4f,
  high: vec4f,
}

/// Turns them by their angles, or back where `direction` is -1.
fn turned(head: Head, j: u32, pairs: Pairs, direction: f32) -> Pairs {
  if (params.isTurned == 0u) { return pairs; }
  let cosine = table_PC[head.angles + j];
  let sine = direction * table_PC[head.angles + params.C / 8u + j];
  return Pairs(pairs.low * cosine - pairs.high * sine, pairs.high * cosine + pairs.low * sine);
}

fn store(at: u32, value: vec4f) { dx[at] = value + select(vec4f(), dx[at], params.add == 1u); }

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * THREADS + lane;
  if (row >= params.T * params.N) { return; }
  let head = headOf(row);
  let half = params.C / 8u;
  var sum = 0.0;
  if (params.hasNorm == 1u) {
    for (var j = 0u; j < half; j++) {
      let dn = turned(head, j, Pairs(dheads[head.goal + j], dheads[head.goal + half + j]), -1.0);
      sum += dot(x[head.source + j] * gain(j), dn.low) + dot(x[head.source + half + j] * gain(half + j), dn.high);
    }
  }
  let rstd = rstd_R[row];
  let pull = sum * rstd * rstd * rstd / f32(params.C);
  for (var j = 0u; j < half; j++) {
    let dn = turned(head, j, Pairs(dheads[head.goal + j], dheads[head.goal + half + j]), -1.0);
    store(head.source + j, rstd * gain(j) * dn.low - x[head.source + j] * pull);
    store(head.source + half + j, rstd * gain(half + j) * dn.high - x[head.source + half + j] * pull);
  }
  if (params.hasRest == 0u) { return; }
  let second = head.source + 2u * params.N * half;
  for (var c = 0u; c < 2u * half; c++) { store(second + c, drest[head.goal + c]); }
}
