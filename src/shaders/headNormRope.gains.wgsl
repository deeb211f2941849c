// Gradient of the gain of `headNormRope.forward.wgsl`, by chunks of tokens: the first stage of a sum over all of them.
//   dgain[c] = sum over tokens and heads of dn * x * r,   dn = dhead * cos - turned(dhead) * sin
//
//   x, table_PC, rstd_R  in   as there
//   dheads   [T, N * C]  in   gradient of the heads
//   sums_PN  [P, stride] out  of each chunk, from params.column to the next multiple of 64; columns past C get 0
//
// One thread per column and chunk. Dispatch: ceil(C / THREADS) x P workgroups.

struct Params {
  T: u32,
  N: u32,
  C: u32,
  S: u32,
  P: u32,
  stride: u32,
  column: u32,
  isTurned: u32,
  hasRest: u32,
}

struct Live {
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> table_PC: array<f32>;
@group(0) @binding(4) var<storage, read> rstd_R: array<f32>;
@group(0) @binding(5) var<storage, read> dheads: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums_PN: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x * THREADS + lane;
  let half = params.C / 2u;
  let isLow = c < half;
  let partner = select(c - half, c + half, isLow);
  let angle = select(c - half, c, isLow);
  let size = (params.T + params.P - 1u) / params.P;
  let end = select(0u, min(params.T, (group.y + 1u) * size), c < params.C);
  let width = params.N * params.C * (1u + params.hasRest);
  var sum = 0.0;
  for (var t = group.y * size; t < end; t++) {
    var cosine = 1.0;
    var sine = 0.0;
    if (params.isTurned == 1u) {
      let angles = (live.offset + t % params.S) * params.C + angle;
      cosine = table_PC[angles];
      sine = select(table_PC[angles + half], -table_PC[angles + half], isLow);
    }
    for (var n = 0u; n < params.N; n++) {
      let row = t * params.N + n;
      var dn = dheads[row * params.C + c] * cosine;
      if (params.isTurned == 1u) { dn -= dheads[row * params.C + partner] * sine; }
      sum += dn * x[t * width + n * params.C + c] * rstd_R[row];
    }
  }
  sums_PN[group.y * params.stride + params.column + c] = sum;
}
