// Matrix product, plain: the check of the faster ones, which sum in the same order. Batched; matrices are contiguous.
//   nt: C[m, n] = sum over k of A[m, k] B[n, k]     a linear layer
//   nn: C[m, n] = sum over k of A[m, k] B[k, n]     gradient of its input
//   tn: C[m, n] = sum over k of A[k, m] B[k, n]     gradient of its weight
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, N, K] or [batch, K, N]  in
//   c  [batch, M, N]                   in/out  added to where params.add is 1, else overwritten
//
// One thread per element of C. Dispatch: ceil(N / 8) x ceil(M / 8) x batch workgroups.

struct Params {
  M: u32,
  N: u32,
  K: u32,
  add: u32,
  symmetric: u32, // faster kernels do half of such a product
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

override TRANSPOSE_A = 0u;
override TRANSPOSE_B = 0u;
const THREADS = 64u;
const SIDE = 8u;

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x;
  let m = id.y;
  if (m >= params.M || n >= params.N) { return; }
  let aStart = id.z * params.M * params.K;
  let bStart = id.z * params.N * params.K;
  let at = id.z * params.M * params.N + m * params.N + n;
  let aFirst = aStart + select(m * params.K, m, TRANSPOSE_A == 1u);
  let aStep = select(1u, params.M, TRANSPOSE_A == 1u);
  let bFirst = bStart + select(n, n * params.K, TRANSPOSE_B == 1u);
  let bStep = select(params.N, 1u, TRANSPOSE_B == 1u);
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) {
    sum = fma(a[aFirst + k * aStep], b[bFirst + k * bStep], sum);
  }
  c[at] = sum + select(0.0, c[at], params.add == 1u);
}
