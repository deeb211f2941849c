// Matrix product, A transposed times B, in register tiles of four rows and four columns, loads of four floats.
//   C[m, n] = sum over k of A[k, m] B[k, n]
// M and N are multiples of 4; `matmul.wgsl` is its plain twin.
//
//   a  [batch, K, M]  in
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
  let M4 = params.M / 4u;
  let N4 = params.N / 4u;
  let m = 4u * id.y;
  if (id.y >= M4 || id.x >= N4) { return; }
  var aAt = id.z * params.K * M4 + id.y;
  var bAt = id.z * params.K * N4 + id.x;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < params.K; k++) {
    let column = a[aAt];
    let row = b[bAt];
    sum0 += column.x * row;
    sum1 += column.y * row;
    sum2 += column.z * row;
    sum3 += column.w * row;
    aAt += M4;
    bAt += N4;
  }
  let at = (id.z * params.M + m) * N4 + id.x;
  store(at, sum0);
  if (m + 1u < params.M) { store(at + N4, sum1); }
  if (m + 2u < params.M) { store(at + 2u * N4, sum2); }
  if (m + 3u < params.M) { store(at + 3u * N4, sum3); }
}
