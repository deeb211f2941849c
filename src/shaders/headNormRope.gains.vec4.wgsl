// `headNormRope.gains.wgsl`, its plain twin, four channels at a time: formulas as there, C a multiple of 8. Sums in the
// same order.
//
//   x, table_PC, rstd_R, dheads, sums_PN   as there
//
// One thread per four columns and chunk. Dispatch: ceil(C / (4 THREADS)) x P workgroups.

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
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> table_PC: array<vec4f>;
@group(0) @binding(4) var<storage, read> rstd_R: array<f32>;
@group(0) @binding(5) var<storage, read> dheads: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> sums_PN: array<vec4f>;

const THREADS = 64u;
const WIDTH = 16u; // fours that a gain takes in sums_PN are a multiple of this

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let C4 = params.C / 4u;
  let half = C4 / 2u;
  let c = group.x * THREADS + lane;
  if (c >= (C4 + WIDTH - 1u) / WIDTH * WIDTH) { return; }
  let isLow = c < half;
  let partner = select(c - half, c + half, isLow);
  let angle = select(c - half, c, isLow);
  let size = (params.T + params.P - 1u) / params.P;
  let end = select(0u, min(params.T, (group.y + 1u) * size), c < C4);
  let width = params.N * C4 * (1u + params.hasRest);
  var sum = vec4f();
  for (var t = group.y * size; t < end; t++) {
    var cosine = vec4f(1.0);
    var sine = vec4f();
    if (params.isTurned == 1u) {
      let angles = (live.offset + t % params.S) * C4 + angle;
      cosine = table_PC[angles];
      sine = select(table_PC[angles + half], -table_PC[angles + half], isLow);
    }
    for (var n = 0u; n < params.N; n++) {
      let row = t * params.N + n;
      var dn = dheads[row * C4 + c] * cosine;
      if (params.isTurned == 1u) { dn -= dheads[row * C4 + partner] * sine; }
      sum += dn * x[t * width + n * C4 + c] * rstd_R[row];
    }
  }
  sums_PN[(group.y * params.stride + params.column) / 4u + c] = sum;
}
