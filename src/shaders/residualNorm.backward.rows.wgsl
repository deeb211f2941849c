// `residualNorm.backward.wgsl` for narrow rows, four channels at a time: formulas as there, in its plain twin. No
// shared memory, which software adapters punish.
//
//   all buffers as there; D is a multiple of 4
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  addX: u32,
  addPart: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> part_TD: array<vec4f>;
@group(0) @binding(2) var<storage, read> x_TD: array<vec4f>;
@group(0) @binding(3) var<storage, read> outer_D: array<vec4f>;
@group(0) @binding(4) var<storage, read> inner_D: array<vec4f>;
@group(0) @binding(5) var<storage, read> rstd_T2: array<f32>;
@group(0) @binding(6) var<storage, read> du_TD: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dx_TD: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dpart_TD: array<vec4f>;

const THREADS = 64u;

/// Finishes the row of dx.
fn inner(t: u32) {
  let D4 = params.D / 4u;
  let row = t * D4;
  var sum = 0.0;
  for (var d = 0u; d < D4; d++) { sum += dot(x_TD[row + d] * inner_D[d], du_TD[row + d]); }
  let rstd = rstd_T2[2u * t + 1u];
  let pull = sum * rstd * rstd * rstd / f32(params.D);
  for (var d = 0u; d < D4; d++) {
    let before = select(vec4f(), dx_TD[row + d], params.addX == 1u);
    dx_TD[row + d] = before + rstd * inner_D[d] * du_TD[row + d] - x_TD[row + d] * pull;
  }
}

@compute @workgroup_size(THREADS)
fn sandwich(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  inner(t);
  let D4 = params.D / 4u;
  let row = t * D4;
  var sum = 0.0;
  for (var d = 0u; d < D4; d++) { sum += dot(part_TD[row + d] * outer_D[d], dx_TD[row + d]); }
  let rstd = rstd_T2[2u * t];
  let pull = sum * rstd * rstd * rstd / f32(params.D);
  for (var d = 0u; d < D4; d++) {
    let before = select(vec4f(), dpart_TD[row + d], params.addPart == 1u);
    dpart_TD[row + d] = before + rstd * outer_D[d] * dx_TD[row + d] - part_TD[row + d] * pull;
  }
}

@compute @workgroup_size(THREADS)
fn plain(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t < params.T) { inner(t); }
}
