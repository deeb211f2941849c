// Brings the rows of the experts back to their tokens, unweighted: the gradient of "every choice reads its token".
//   y[t] (+)= sum over k of x[sorted[t K + k]]
//
//   x_RD      [R, D]  in      rows in sorted order
//   sorted_R  [R]     in      place of row t K + k
//   y_TD      [T, D]  in/out  added to where params.add is 1, else overwritten
//
// One thread per element of y. Dispatch: ceil(T * D / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  K: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_RD: array<f32>;
@group(0) @binding(2) var<storage, read> sorted_R: array<u32>;
@group(0) @binding(3) var<storage, read_write> y_TD: array<f32>;

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
  var sum = select(0.0, y_TD[i], params.add == 1u);
  for (var k = 0u; k < params.K; k++) { sum += x_RD[sorted_R[t * params.K + k] * params.D + d]; }
  y_TD[i] = sum;
}
