// Matrix product, A times B transposed, in register tiles, loads of four floats.
//   C[m, n] = sum over k of A[m, k] B[n, k]
// K is a multiple of 4; `matmul.wgsl` is its plain twin. Every element of C is summed in the order of k whatever the
// tile.
//
//   a  [batch, M, K]  in
//   b  [batch, N, K]  in
//   c  [batch, M, N]  in/out  added to where params.add is 1, else overwritten
//
// One thread per tile of ROWS x 4 QUADS elements of C. Rows past the edge repeat the last one and are not stored.
// Dispatch: ceil(N / (4 QUADS WIDE)) x ceil(M / (ROWS THREADS / WIDE)) x batch workgroups.

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
const MOST = 8u;
/// Rows of a tile, at most MOST; fours of columns, at most MOST / 4; threads side by side along the columns.
override ROWS = 4u;
override QUADS = 1u;
override WIDE = 8u;

@compute @workgroup_size(WIDE, THREADS / WIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = ROWS * id.y;
  let n = 4u * QUADS * id.x;
  if (m >= params.M || n >= params.N) { return; }
  let K4 = params.K / 4u;
  var aAt: array<u32, MOST>;
  for (var r = 0u; r < ROWS; r++) { aAt[r] = (id.z * params.M + min(m + r, params.M - 1u)) * K4; }
  var bAt: array<u32, MOST>;
  for (var i = 0u; i < 4u * QUADS; i++) { bAt[i] = (id.z * params.N + min(n + i, params.N - 1u)) * K4; }
  var sum: array<vec4f, 2u * MOST>;
  for (var k = 0u; k < K4; k++) {
    var block: array<mat4x4f, MOST / 4u>;
    for (var q = 0u; q < QUADS; q++) {
      let i = 4u * q;
      block[q] = transpose(mat4x4f(b[bAt[i] + k], b[bAt[i + 1u] + k], b[bAt[i + 2u] + k], b[bAt[i + 3u] + k]));
    }
    for (var r = 0u; r < ROWS; r++) {
      let row = a[aAt[r] + k];
      for (var q = 0u; q < QUADS; q++) {
        let at = 2u * r + q;
        for (var j = 0u; j < 4u; j++) { sum[at] = fma(vec4f(row[j]), block[q][j], sum[at]); }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    if (m + r >= params.M) { return; }
    let at = (id.z * params.M + m + r) * params.N + n;
    for (var i = 0u; i < min(4u * QUADS, params.N - n); i++) {
      c[at + i] = sum[2u * r + i / 4u][i % 4u] + select(0.0, c[at + i], params.add == 1u);
    }
  }
}
