// RMSNorm, forward pass.
//   y = x * rstd * gain,   rstd = 1 / sqrt(mean(x * x) + eps)
// Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4; the eps under the root is not in the paper.
//
//   x_TD    [T, D]  in   activations
//   gain_D  [D]     in   learned gain
//   y_TD    [T, D]  out
//   rstd_T  [T]     out  kept for the backward pass
//
// One workgroup per token t. Its threads stride over D, then add up in shared memory.
// Dispatch: T workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_TD: array<f32>;
@group(0) @binding(2) var<storage, read> gain_D: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_TD: array<f32>;
@group(0) @binding(4) var<storage, read_write> rstd_T: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

/// 1 / rms of the row, the same in every thread of the workgroup.
fn reciprocalRms(row: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var d = lane; d < params.D; d += THREADS) {
    sum += x_TD[row + d] * x_TD[row + d];
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return inverseSqrt(partial[0] / f32(params.D) + params.eps);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let row = t * params.D;
  let rstd = reciprocalRms(row, lane);
  if (lane == 0u) { rstd_T[t] = rstd; }
  for (var d = lane; d < params.D; d += THREADS) {
    y_TD[row + d] = x_TD[row + d] * rstd * gain_D[d];
  }
}
