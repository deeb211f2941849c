// From a projection to heads: an RMSNorm of every head (QK-norm; Trinity, eq. 5-6), then its rotation by position: the
// pair (j, j + C/2) turns by the angle position * base^(-2j/C). Su et al. 2021, arXiv:2104.09864, eq. 34, in the
// rotate-half layout of the checkpoints. Either may be left out. Where the projection is of two halves, the second
// half passes as it is. Angles come as a table, since WGSL's own sin and cos are coarse.
//   n = x * r * gain,  r = 1 / sqrt(mean(x * x) + eps)
//   head = n * cos + turned(n) * sin,  turned(n) = (-n_high, n_low)
//
//   x         [T, N * C] or [T, 2 N * C]  in   N heads one behind the other, then the rest
//   gain_C    [C]         in   used where params.hasNorm is 1
//   table_PC  [P, C]      in   cosines of position p in the first C/2, sines in the last; used where isTurned is 1
//   rstd_R    [T * N]     out  kept for the backward pass
//   heads     [T, N * C]  out
//   rest      [T, N * C]  out  second half, where params.hasRest is 1
//
// Token t stands at position live.offset + t mod S. One thread per head of a token.
// Dispatch: ceil(T * N / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  N: u32,
  C: u32,
  S: u32,
  hasNorm: u32,
  isTurned: u32,
  hasRest: u32,
  eps: f32,
}

struct Live {
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> gain_C: array<f32>;
@group(0) @binding(4) var<storage, read> table_PC: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd_R: array<f32>;
@group(0) @binding(6) var<storage, read_write> heads: array<f32>;
@group(0) @binding(7) var<storage, read_write> rest: array<f32>;

const THREADS = 64u;

/// A head of a token: where its channels stand in x and in the results, and its row of the table.
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

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * THREADS + lane;
  if (row >= params.T * params.N) { return; }
  let head = headOf(row);
  var rstd = 1.0;
  if (params.hasNorm == 1u) {
    var squares = 0.0;
    for (var c = 0u; c < params.C; c++) { squares += x[head.source + c] * x[head.source + c]; }
    rstd = inverseSqrt(squares / f32(params.C) + params.eps);
  }
  rstd_R[row] = rstd;
  for (var c = 0u; c < params.C; c++) {
    let turn = turnOf(head, c);
    let own = x[head.source + c] * gain(c) * turn.cosine;
    heads[head.goal + c] = rstd * (own + x[head.source + turn.partner] * gain(turn.partner) * turn.sine);
    if (params.hasRest == 1u) { rest[head.goal + c] = x[head.source + params.N * params.C + c]; }
  }
}
