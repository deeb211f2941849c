// The way back through `residualNorm.forward.wgsl`. A norm y = x * r * gain, r = rstd(x), has
//   dx = r * g - x * r^3 * mean(x * g),   g = gain * dy
// Here first of u, added to what the residual stream brings to x, then (`sandwich`) of x to part:
//   dx (+)= back(du; x, inner),   dpart (+)= back(dx; part, outer)
// The gradient of the residual is dx. Gains: `residualNorm.gains.wgsl`. Checked by central differences.
//
//   part_TD, x_TD, outer_D, inner_D, rstd_T2   in      as in the forward pass
//   du_TD     [T, D]  in      gradient of u
//   dx_TD     [T, D]  in/out  gradient of x; added to where params.addX is 1, else overwritten
//   dpart_TD  [T, D]  in/out  gradient of part (`sandwich` only); added to where params.addPart is 1, else overwritten
//
// One workgroup per token. Dispatch: T workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  addX: u32,
  addPart: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> part_TD: array<f32>;
@group(0) @binding(2) var<storage, read> x_TD: array<f32>;
@group(0) @binding(3) var<storage, read> outer_D: array<f32>;
@group(0) @binding(4) var<storage, read> inner_D: array<f32>;
@group(0) @binding(5) var<storage, read> rstd_T2: array<f32>;
@group(0) @binding(6) var<storage, read> du_TD: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx_TD: array<f32>;
@group(0) @binding(8) var<storage, read_write> dpart_TD: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

/// r^3 * mean over the row, from its threads' sums; the same in every thread.
fn pull(own: f32, rstd: f32, lane: u32) -> f32 {
  workgroupBarrier(); // the sum before this one has been read
  partial[lane] = own;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0] * rstd * rstd * rstd / f32(params.D);
}

/// Finishes the row of dx; a thread reads only what it wrote itself.
fn inner(t: u32, lane: u32) {
  let row = t * params.D;
  var sum = 0.0;
  for (var d = lane; d < params.D; d += THREADS) { sum += x_TD[row + d] * inner_D[d] * du_TD[row + d]; }
  let rstd = rstd_T2[2u * t + 1u];
  let weight = pull(sum, rstd, lane);
  for (var d = lane; d < params.D; d += THREADS) {
    let before = select(0.0, dx_TD[row + d], params.addX == 1u);
    dx_TD[row + d] = before + rstd * inner_D[d] * du_TD[row + d] - x_TD[row + d] * weight;
  }
}

@compute @workgroup_size(THREADS)
fn sandwich(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // whole workgroup leaves, so the barriers below stay uniform
  inner(t, lane);
  let row = t * params.D;
  var sum = 0.0;
  for (var d = lane; d < params.D; d += THREADS) { sum += part_TD[row + d] * outer_D[d] * dx_TD[row + d]; }
  let rstd = rstd_T2[2u * t];
  let weight = pull(sum, rstd, lane);
  for (var d = lane; d < params.D; d += THREADS) {
    let before = select(0.0, dpart_TD[row + d], params.addPart == 1u);
    dpart_TD[row + d] = before + rstd * outer_D[d] * dx_TD[row + d] - part_TD[row + d] * weight;
  }
}

@compute @workgroup_size(THREADS)
fn plain(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t < params.T) { inner(t, lane); } // the same for the whole workgroup
}
