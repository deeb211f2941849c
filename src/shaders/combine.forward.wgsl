// Combine, forward pass: weighs the experts' rows and adds them to their token, on top of the shared expert.
//   y[t] = shared[t] + sum over k of gate[t, k] x[sorted[t K + k]].  Trinity, eq. 15, without its inner residual.
//
//   x_RD       [R, D]  in   experts' outputs in sorted order
//   gates_TK   [T, K]  in
//   sorted_R   [R]     in   place of row t K + k
//   shared_TD  [T, D]  in   output of the shared expert; ignored where params.hasShared is 0
//   y_TD       [T, D]  out
//
// One thread per element of y. Dispatch: ceil(T * D / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  K: u32,
  hasShared: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_RD: array<f32>;
@group(0) @binding(2) var<storage, read> gates_TK: array<f32>;
@group(0) @binding(3) var<storage, read> sorted_R: array<u32>;
@group(0) @binding(4) var<storage, read> shared_TD: array<f32>;
@group(0) @binding(5) var<storage, read_write> y_TD: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.D) { return; }
  let t = i / params.D;
  let d = i % params.D;
  var sum = 0.0;
  if (params.hasShared == 1u) { sum = shared_TD[i]; }
  for (var k = t * params.K; k < (t + 1u) * params.K; k++) {
    sum += gates_TK[k] * x_RD[sorted_R[k] * params.D + d];
  }
  y_TD[i] = sum;
}
