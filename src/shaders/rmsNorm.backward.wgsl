// RMSNorm, backward pass. With g = gain * dy:
//   dx     = rstd * g - x * rstd^3 * mean(x * g)
//   dgain += sum over t of dy * x * rstd, in two stages: chunks of tokens, then the chunks
// Derived from the forward pass; checked by finite differences in tests/ops/rmsNorm.test.ts.
//
//   x_TD, gain_D, rstd_T   in      as in the forward pass
//   dy_TD      [T, D]      in      gradient of the output
//   dx_TD      [T, D]      in/out  added to where params.add is 1, else overwritten
//   sums_PN    [P, N]      out     dgain of each of P chunks of tokens (`gainChunks`), from params.column to the next
//                                  multiple of 64; columns past D get 0
//
// dx:         one workgroup per token.              Dispatch: T workgroups.
// gainChunks: one thread per channel and chunk.     Dispatch: ceil(D / THREADS) x P workgroups.

struct Params {
  T: u32,
  D: u32,
  P: u32,
  N: u32,
  column: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_TD: array<f32>;
@group(0) @binding(2) var<storage, read> gain_D: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_T: array<f32>;
@group(0) @binding(4) var<storage, read> dy_TD: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx_TD: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums_PN: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn dx(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let row = t * params.D;

  var sum = 0.0;
  for (var d = lane; d < params.D; d += THREADS) {
    sum += x_TD[row + d] * gain_D[d] * dy_TD[row + d];
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }

  let rstd = rstd_T[t];
  let pull = partial[0] * rstd * rstd * rstd / f32(params.D);
  for (var d = lane; d < params.D; d += THREADS) {
    let before = select(0.0, dx_TD[row + d], params.add == 1u);
    dx_TD[row + d] = before + rstd * gain_D[d] * dy_TD[row + d] - x_TD[row + d] * pull;
  }
}

@compute @workgroup_size(THREADS)
fn gainChunks(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let d = group.x * THREADS + lane;
  let size = (params.T + params.P - 1u) / params.P;
  let end = select(0u, min(params.T, (group.y + 1u) * size), d < params.D);
  var sum = 0.0;
  for (var t = group.y * size; t < end; t++) {
    sum += dy_TD[t * params.D + d] * x_TD[t * params.D + d] * rstd_T[t];
  }
  sums_PN[group.y * params.N + params.column + d] = sum;
}
