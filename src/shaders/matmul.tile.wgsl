// Matrix product in register tiles of eight rows and four columns, loads of four floats. One file for all three forms,
// told by TRANSPOSE_A and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4, and M too where A is transposed; `matmul.wgsl` is the plain twin. Every element of C is
// summed in the order of k.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
//   c  [batch, M, N]                   in/out  added to where params.add is 1, else overwritten
//
// One thread per tile. Its sums have names of their own: not every compiler keeps an array in registers, and where it
// does not, each sum is a load and a store. A loop stores them, since that compiles in half the time. Rows past the
// edge repeat the last ones and are not stored.
// Where params.symmetric is 1 the product equals its transpose: workgroups below the diagonal leave, those above it
// store twice.
// Dispatch: ceil(N / 32) x ceil(M / 64) x batch workgroups.

struct Params {
  M: u32,
  N: u32,
  K: u32,
  add: u32,
  symmetric: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;

const THREADS = 64u;
const SIDE = 8u;
const ROWS = 8u;
override TRANSPOSE_A = 0u;
override TRANSPOSE_B = 0u;

/// Row j is A[4 m4 + j, four k].
fn fourOfA(start: u32, m4: u32, k4: u32) -> mat4x4f {
  if (TRANSPOSE_A == 1u) {
    let M4 = params.M / 4u;
    let at = start + 4u * k4 * M4 + min(m4, M4 - 1u);
    return transpose(mat4x4f(a[at], a[at + M4], a[at + 2u * M4], a[at + 3u * M4]));
  }
  let m = min(4u * m4 + vec4u(0u, 1u, 2u, 3u), vec4u(params.M - 1u));
  let at = start + m * (params.K / 4u) + k4;
  return mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}

/// Row j is B[4 k4 + j, four n].
fn fourOfB(start: u32, n4: u32, k4: u32) -> mat4x4f {
  if (TRANSPOSE_B == 1u) {
    let K4 = params.K / 4u;
    let at = start + 4u * n4 * K4 + k4;
    return transpose(mat4x4f(b[at], b[at + K4], b[at + 2u * K4], b[at + 3u * K4]));
  }
  let N4 = params.N / 4u;
  let at = start + 4u * k4 * N4 + n4;
  return mat4x4f(b[at], b[at + N4], b[at + 2u * N4], b[at + 3u * N4]);
}

/// The sum with four more k.
fn more(sum: vec4f, row: vec4f, four: mat4x4f) -> vec4f {
  let two = fma(vec4f(row.y), four[1], fma(vec4f(row.x), four[0], sum));
  return fma(vec4f(row.w), four[3], fma(vec4f(row.z), four[2], two));
}

/// Four rows of four columns, across the diagonal.
fn mirror(at: u32, rows: mat4x4f) {
  let columns = transpose(rows);
  let N4 = params.N / 4u;
  c[at] = columns[0];
  c[at + N4] = columns[1];
  c[at + 2u * N4] = columns[2];
  c[at + 3u * N4] = columns[3];
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(global_invocation_id) id: vec3u) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  let m = ROWS * id.y;
  if (m >= params.M || id.x >= N4) { return; }
  let diagonal = 4u * group.x / ROWS;
  if (params.symmetric == 1u && group.y > diagonal) { return; }
  let aStart = id.z * params.M * K4;
  let bStart = id.z * params.N * K4;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(bStart, id.x, k);
    let low = fourOfA(aStart, m / 4u, k);
    sum0 = more(sum0, low[0], four);
    sum1 = more(sum1, low[1], four);
    sum2 = more(sum2, low[2], four);
    sum3 = more(sum3, low[3], four);
    let high = fourOfA(aStart, m / 4u + 1u, k);
    sum4 = more(sum4, high[0], four);
    sum5 = more(sum5, high[1], four);
    sum6 = more(sum6, high[2], four);
    sum7 = more(sum7, high[3], four);
  }
  let at = (id.z * params.M + m) * N4 + id.x;
  let rows = params.M - m;
  let sums = array(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  for (var r = 0u; r < ROWS; r++) {
    let place = at + r * N4;
    if (r < rows) { c[place] = sums[r] + select(vec4f(), c[place], params.add == 1u); }
  }
  if (params.symmetric == 0u || group.y == diagonal) { return; }
  // Above the diagonal a workgroup has all its rows.
  let across = (id.z * params.N + 4u * id.x) * N4 + m / 4u;
  mirror(across, mat4x4f(sum0, sum1, sum2, sum3));
  mirror(across + 1u, mat4x4f(sum4, sum5, sum6, sum7));
}
