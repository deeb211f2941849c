// Transposes every matrix of a batch: y[k, n] = x[n, k]. N and K are multiples of 4.
//
//   x  [batch, N, K]  in
//   y  [batch, K, N]  out
//
// One thread per block of 4 x 4 elements. Dispatch: ceil(blocks / THREADS) workgroups, spread over x and y, with
// batch N / 4 K / 4 blocks.

struct Params {
  batch: u32,
  N: u32,
  K: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.batch * N4 * K4) { return; }
  let n = (i / K4) % N4;
  let k = i % K4;
  let first = (i / (N4 * K4)) * N4 * params.K; // vec4s before this matrix, in both
  let source = first + 4u * n * K4 + k;
  let block = transpose(mat4x4f(x[source], x[source + K4], x[source + 2u * K4], x[source + 3u * K4]));
  let goal = first + 4u * k * N4 + n;
  y[goal] = block[0];
  y[goal + N4] = block[1];
  y[goal + 2u * N4] = block[2];
  y[goal + 3u * N4] = block[3];
}
