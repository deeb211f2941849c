// The way back through `headNormRope.forward.wgsl`.
//   dn = dhead * cos - turned(dhead) * sin;   dx = r * gain * dn - x * r^3 * mean(x * gain * dn)
// and the gradient of the rest as it is. The gain: `headNormRope.gains.wgsl`. Checked by central differences.
//
//   x, gain_C, table_PC, rstd_R  in      as in the forward pass
//   dheads  [T, N * C]  in
//   drest   [T, N * C]  in      used where params.hasRest is 1
//   dx      as x        in/out  added to where params.add is 1, else overwritten
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
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> gain_C: array<f32>;
@group(0) @binding(4) var<storage, read> table_PC: array<f32>;
@group(0) @binding(5) var<storage, read> rstd_R: array<f32>;
@group(0) @binding(6) var<storage, read> dheads: array<f32>;
@group(0) @binding(7) var<storage, read> drest: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

const THREADS = 64u;

/// A head of a token: where its channels stand in x and among the heads, and its row of the table.
struct Head {
  source: u32,
  goal: u32,
  angles: u32,
}

fn headOf(row: u32) -> Head {
  let t = row / params.N;
  let width = params.N * params.C;
  let start = t * width * (1u + params.hasRest) + (row % params.N) * params.C;
  return Head(start, row * params.C, (live.offset + t % params.S) * params.C);
}

fn gain(c: u32) -> f32 {
  if (params.hasNorm == 1u) { return gain_C[c]; }
  return 1.0;
}

struct Turn {
  cosine: f32,
  sine: f32, // negative for the first channel of a pair
  partner: u32,
}

fn turnOf(head: Head, c: u32) -> Turn {
  if (params.isTurned == 0u) { return Turn(1.0, 0.0, c); }
  let half = params.C / 2u;
  let j = c % half;
  let sine = table_PC[head.angles + half + j];
  return Turn(table_PC[head.angles + j], select(sine, -sine, c < half), select(c - half, c + half, c < half));
}

/// Gradient of a head before its turn.
fn dnormed(head: Head, c: u32) -> f32 {
  let turn = turnOf(head, c);
  return dheads[head.goal + c] * turn.cosine - dheads[head.goal + turn.partner] * turn.sine;
}

fn store(at: u32, value: f32) { dx[at] = value + select(0.0, dx[at], params.add == 1u); }

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * THREADS + lane;
  if (row >= params.T * params.N) { return; }
  let head = headOf(row);
  var sum = 0.0;
  if (params.hasNorm == 1u) {
    for (var c = 0u; c < params.C; c++) { sum += x[head.source + c] * gain(c) * dnormed(head, c); }
  }
  let rstd = rstd_R[row];
  let pull = sum * rstd * rstd * rstd / f32(params.C);
  for (var c = 0u; c < params.C; c++) {
    store(head.source + c, rstd * gain(c) * dnormed(head, c) - x[head.source + c] * pull);
    if (params.hasRest == 1u) { store(head.source + params.N * params.C + c, drest[head.goal + c]); }
  }
}
