// `residualNorm.forward.wgsl` for narrow rows, four channels at a time: formulas as there, in its plain twin. No
// shared memory, which software adapters punish.
//
//   all buffers as there; D is a multiple of 4
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> residual_TD: array<vec4f>;
@group(0) @binding(2) var<storage, read> part_TD: array<vec4f>;
@group(0) @binding(3) var<storage, read> outer_D: array<vec4f>;
@group(0) @binding(4) var<storage, read> inner_D: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> x_TD: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> u_TD: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> rstd_T2: array<f32>;

const THREADS = 64u;

fn reciprocalRms(squares: vec4f) -> f32 {
  return inverseSqrt(dot(squares, vec4f(1.0)) / f32(params.D) + params.eps);
}

/// Norms the finished row of x.
fn inner(t: u32, squares: vec4f) {
  let D4 = params.D / 4u;
  let row = t * D4;
  let rstd = reciprocalRms(squares);
  rstd_T2[2u * t + 1u] = rstd;
  for (var d = 0u; d < D4; d++) { u_TD[row + d] = x_TD[row + d] * rstd * inner_D[d]; }
}

@compute @workgroup_size(THREADS)
fn sandwich(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let D4 = params.D / 4u;
  let row = t * D4;
  var squares = vec4f();
  for (var d = 0u; d < D4; d++) { squares += part_TD[row + d] * part_TD[row + d]; }
  let rstd = reciprocalRms(squares);
  rstd_T2[2u * t] = rstd;
  squares = vec4f();
  for (var d = 0u; d < D4; d++) {
    let x = residual_TD[row + d] + part_TD[row + d] * rstd * outer_D[d];
    x_TD[row + d] = x;
    squares += x * x;
  }
  inner(t, squares);
}

@compute @workgroup_size(THREADS)
fn plain(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let D4 = params.D / 4u;
  let row = t * D4;
  var squares = vec4f();
  for (var d = 0u; d < D4; d++) {
    let x = residual_TD[row + d] + part_TD[row + d];
    x_TD[row + d] = x;
    squares += x * x;
  }
  inner(t, squares);
}
