// RMSNorm of narrow rows, both directions, four channels at a time. Formulas as in `rmsNorm.forward.wgsl` and
// `rmsNorm.backward.wgsl`, which are its plain twins; no shared memory, which software adapters punish.
//
//   x_TD, gain_D, y_TD, rstd_T, dy_TD, dx_TD   as there; D is a multiple of 4
//
// One thread per row. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D4: u32,
  add: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_TD: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain_D: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy_TD: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> rstd_T: array<f32>;
@group(0) @binding(5) var<storage, read_write> y_TD: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dx_TD: array<vec4f>;

const THREADS = 64u;

fn reciprocalRms(row: u32) -> f32 {
  var sum = vec4f();
  for (var d = 0u; d < params.D4; d++) { sum += x_TD[row + d] * x_TD[row + d]; }
  return inverseSqrt(dot(sum, vec4f(1.0)) / f32(4u * params.D4) + params.eps);
}

@compute @workgroup_size(THREADS)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let row = t * params.D4;
  let rstd = reciprocalRms(row);
  rstd_T[t] = rstd;
  for (var d = 0u; d < params.D4; d++) { y_TD[row + d] = x_TD[row + d] * rstd * gain_D[d]; }
}

@compute @workgroup_size(THREADS)
fn dx(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let row = t * params.D4;
  var sum = 0.0;
  for (var d = 0u; d < params.D4; d++) { sum += dot(x_TD[row + d] * gain_D[d], dy_TD[row + d]); }
  let rstd = rstd_T[t];
  let pull = sum * rstd * rstd * rstd / f32(4u * params.D4);
  for (var d = 0u; d < params.D4; d++) {
    let before = select(vec4f(), dx_TD[row + d], params.add == 1u);
    dx_TD[row + d] = before + rstd * gain_D[d] * dy_TD[row + d] - x_TD[row + d] * pull;
  }
}
