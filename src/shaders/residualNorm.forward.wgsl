// The end of one half of a block and the start of the next: the sum joins the residual stream and is normed anew.
//   `sandwich`:  x = residual + part * rstd(part) * outer     Trinity, eq. 33
//   `plain`:     x = residual + part
//   both:        u = x * rstd(x) * inner,   rstd(x) = 1 / sqrt(mean(x * x) + eps)     arXiv:1910.07467, eq. 4
//
//   residual_TD  [T, D]  in
//   part_TD      [T, D]  in   what the half made
//   outer_D      [D]     in   gain of the norm behind the half (`sandwich` only)
//   inner_D      [D]     in   gain of the norm before the next half
//   x_TD, u_TD   [T, D]  out
//   rstd_T2      [T, 2]  out  kept for the backward pass: of part (`sandwich` only), then of x
//
// One workgroup per token; its threads stride over D, then add up in shared memory.
// Dispatch: T workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> residual_TD: array<f32>;
@group(0) @binding(2) var<storage, read> part_TD: array<f32>;
@group(0) @binding(3) var<storage, read> outer_D: array<f32>;
@group(0) @binding(4) var<storage, read> inner_D: array<f32>;
@group(0) @binding(5) var<storage, read_write> x_TD: array<f32>;
@group(0) @binding(6) var<storage, read_write> u_TD: array<f32>;
@group(0) @binding(7) var<storage, read_write> rstd_T2: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

/// 1 / rms of a row from its threads' sums of squares, the same in every thread.
fn reciprocalRms(squares: f32, lane: u32) -> f32 {
  workgroupBarrier(); // the sum before this one has been read
  partial[lane] = squares;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return inverseSqrt(partial[0] / f32(params.D) + params.eps);
}

/// Norms the finished row of x; a thread reads only what it wrote itself.
fn inner(t: u32, lane: u32) {
  let row = t * params.D;
  var squares = 0.0;
  for (var d = lane; d < params.D; d += THREADS) { squares += x_TD[row + d] * x_TD[row + d]; }
  let rstd = reciprocalRms(squares, lane);
  if (lane == 0u) { rstd_T2[2u * t + 1u] = rstd; }
  for (var d = lane; d < params.D; d += THREADS) { u_TD[row + d] = x_TD[row + d] * rstd * inner_D[d]; }
}

@compute @workgroup_size(THREADS)
fn sandwich(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let row = t * params.D;
  var squares = 0.0;
  for (var d = lane; d < params.D; d += THREADS) { squares += part_TD[row + d] * part_TD[row + d]; }
  let rstd = reciprocalRms(squares, lane);
  if (lane == 0u) { rstd_T2[2u * t] = rstd; }
  for (var d = lane; d < params.D; d += THREADS) {
    x_TD[row + d] = residual_TD[row + d] + part_TD[row + d] * rstd * outer_D[d];
  }
  inner(t, lane);
}

@compute @workgroup_size(THREADS)
fn plain(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // as above
  let row = t * params.D;
  for (var d = lane; d < params.D; d += THREADS) { x_TD[row + d] = residual_TD[row + d] + part_TD[row + d]; }
  inner(t, lane);
}
