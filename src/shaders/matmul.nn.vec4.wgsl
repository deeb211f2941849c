// Matrix product, A times B, in register tiles of four rows and four columns, loads of four floats.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4; `matmul.wgsl` is its plain twin.
//
//   a  [batch, M, K]  in
//   b  [batch, K, N]  in
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
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;

const THREADS = 64u;
const SIDE = 8u;

fn store(at: u32, values: vec4f) {
  c[at] = values + select(vec4f(), c[at], params.add == 1u);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  let m = 4u * id.y;
  if (m >= params.M || id.x >= N4) { return; }
  let rows = min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(params.M - 1u));
  var aAt = (id.z * params.M + rows) * K4;
  var bAt = id.z * params.K * N4 + id.x;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let tile = mat4x4f(b[bAt], b[bAt + N4], b[bAt + 2u * N4], b[bAt + 3u * N4]);
    sum0 += tile * a[aAt.x];
    sum1 += tile * a[aAt.y];
    sum2 += tile * a[aAt.z];
    sum3 += tile * a[aAt.w];
    aAt += vec4u(1u);
    bAt += 4u * N4;
  }
  let at = (id.z * params.M + m) * N4 + id.x;
  store(at, sum0);
  if (m + 1u < params.M) { store(at + N4, sum1); }
  if (m + 2u < params.M) { store(at + 2u * N4, sum2); }
  if (m + 3u < params.M) { store(at + 3u * N4, sum3); }
}
