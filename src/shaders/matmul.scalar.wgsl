// Matrix product in register tiles of eight rows and four columns, loads of one float: for sides that are no multiples
// of four. One file for all three forms, told by TRANSPOSE_A and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// Any M, N and K; `matmul.wgsl` is the plain twin. Every element of C is summed in the order of k.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
//   c  [batch, M, N]                   in/out  added to where params.add is 1, else overwritten
//
// One thread per tile. Its sums have names of their own: not every compiler keeps an array in registers, and where it
// does not, each sum is a load and a store. Rows and columns past the edge repeat the last ones and are not stored.
// Dispatch: ceil(N / 32) x ceil(M / 64) x batch workgroups.

struct Params {
  M: u32,
  N: u32,
  K: u32,
  add: u32,
  symmetric: u32, // kernels by fours do half of such a product
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const THREADS = 64u;
const SIDE = 8u;
const ROWS = 8u;
const FOUR = vec4u(0u, 1u, 2u, 3u);
override TRANSPOSE_A = 0u;
override TRANSPOSE_B = 0u;

/// Four elements of row m, from column n on, as far as C reaches.
fn store(batch: u32, m: u32, n: u32, sum: vec4f) {
  if (m >= params.M) { return; }
  let at = (batch * params.M + m) * params.N + n;
  let isAdded = params.add == 1u;
  c[at] = sum.x + select(0.0, c[at], isAdded);
  if (n + 1u < params.N) { c[at + 1u] = sum.y + select(0.0, c[at + 1u], isAdded); }
  if (n + 2u < params.N) { c[at + 2u] = sum.z + select(0.0, c[at + 2u], isAdded); }
  if (n + 3u < params.N) { c[at + 3u] = sum.w + select(0.0, c[at + 3u], isAdded); }
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = ROWS * id.y;
  let n = 4u * id.x;
  if (m >= params.M || n >= params.N) { return; }
  let aStep = select(1u, params.M, TRANSPOSE_A == 1u);
  let aRow = select(params.K, 1u, TRANSPOSE_A == 1u);
  let bStep = select(params.N, 1u, TRANSPOSE_B == 1u);
  let bColumn = select(1u, params.K, TRANSPOSE_B == 1u);
  // Where the elements of four rows, four more, and four columns lie at k = 0.
  var low = id.z * params.M * params.K + aRow * min(m + FOUR, vec4u(params.M - 1u));
  var high = id.z * params.M * params.K + aRow * min(m + 4u + FOUR, vec4u(params.M - 1u));
  var four = id.z * params.N * params.K + bColumn * min(n + FOUR, vec4u(params.N - 1u));
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  for (var k = 0u; k < params.K; k++) {
    let row = vec4f(b[four.x], b[four.y], b[four.z], b[four.w]);
    sum0 = fma(vec4f(a[low.x]), row, sum0);
    sum1 = fma(vec4f(a[low.y]), row, sum1);
    sum2 = fma(vec4f(a[low.z]), row, sum2);
    sum3 = fma(vec4f(a[low.w]), row, sum3);
    sum4 = fma(vec4f(a[high.x]), row, sum4);
    sum5 = fma(vec4f(a[high.y]), row, sum5);
    sum6 = fma(vec4f(a[high.z]), row, sum6);
    sum7 = fma(vec4f(a[high.w]), row, sum7);
    low += aStep;
    high += aStep;
    four += bStep;
  }
  let sums = array(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  for (var r = 0u; r < ROWS; r++) { store(id.z, m + r, n, sums[r]); }
}
