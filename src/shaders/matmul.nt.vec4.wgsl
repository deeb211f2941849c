// Matrix product, A times B transposed, in register tiles of four rows and four columns, loads of four floats.
//   C[m, n] = sum over k of A[m, k] B[n, k]
// K is a multiple of 4; `matmul.wgsl` is its plain twin.
//
//   a  [batch, M, K]  in
//   b  [batch, N, K]  in
//   c  [batch, M, N]  in/out  added to where params.add is 1, else overwritten
//
// One thread per tile of 4 x 4 elements of C. Rows past the edge repeat the last one and are not stored.
// Dispatch: ceil(N / 32) x ceil(M / 32) x batch workgroups.

struct Params {
  M: u32,
  N: u32,
  K: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const THREADS = 64u;
const SIDE = 8u;

fn store(at: u32, count: u32, values: vec4f) {
  for (var i = 0u; i < count; i++) {
    c[at + i] = values[i] + select(0.0, c[at + i], params.add == 1u);
  }
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = 4u * id.y;
  let n = 4u * id.x;
  if (m >= params.M || n >= params.N) { return; }
  let K4 = params.K / 4u;
  let rows = min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(params.M - 1u));
  let columns = min(vec4u(n, n + 1u, n + 2u, n + 3u), vec4u(params.N - 1u));
  var aAt = (id.z * params.M + rows) * K4;
  var bAt = (id.z * params.N + columns) * K4;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let b0 = b[bAt.x];
    let b1 = b[bAt.y];
    let b2 = b[bAt.z];
    let b3 = b[bAt.w];
    let a0 = a[aAt.x];
    sum0 += vec4f(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3));
    let a1 = a[aAt.y];
    sum1 += vec4f(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3));
    let a2 = a[aAt.z];
    sum2 += vec4f(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3));
    let a3 = a[aAt.w];
    sum3 += vec4f(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3));
    aAt += vec4u(1u);
    bAt += vec4u(1u);
  }
  let count = min(4u, params.N - n);
  let at = (id.z * params.M + m) * params.N + n;
  store(at, count, sum0);
  if (m + 1u < params.M) { store(at + params.N, count, sum1); }
  if (m + 2u < params.M) { store(at + 2u * params.N, count, sum2); }
  if (m + 3u < params.M) { store(at + 3u * params.N, count, sum3); }
}
