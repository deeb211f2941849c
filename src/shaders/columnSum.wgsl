// Sum over rows, second stage of a long reduction.
//   y[n] (+)= sum over p of x[p, first + n]
//
//   x_PN  [P, stride]  in
//   y_N   [N]          in/out  added to where params.add is 1, else overwritten
//
// One thread per column. Dispatch: ceil(N / THREADS) workgroups, spread over x and y.

struct Params {
  P: u32,
  N: u32,
  stride: u32,
  first: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_PN: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_N: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = (group.y * groups.x + group.x) * THREADS + lane;
  if (n >= params.N) { return; }
  var sum = select(0.0, y_N[n], params.add == 1u);
  for (var p = 0u; p < params.P; p++) { sum += x_PN[p * params.stride + params.first + n]; }
  y_N[n] = sum;
}
