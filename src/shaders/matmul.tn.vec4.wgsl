// Matrix product, A transposed times B, in register tiles, loads of four floats.
//   C[m, n] = sum over k of A[k, m] B[k, n]
// M and N are multiples of 4; `matmul.wgsl` is its plain twin. Every element of C is summed in the order of k whatever
// the tile.
//
//   a  [batch, K, M]  in
//   b  [batch, K, N]  in
//   c  [batch, M, N]  in/out  added to where params.add is 1, else overwritten
//
// One thread per tile of ROWS x 4 QUADS elements of C, ROWS in whole fours. Fours past the edge repeat the last one
// and are not stored.
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
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;

const THREADS = 64u;
const MOST = 8u;
/// Rows of a tile, at most MOST; fours of columns, at most MOST / 4; threads side by side along the columns.
override ROWS = 4u;
override QUADS = 1u;
override WIDE = 8u;

@compute @workgroup_size(WIDE, THREADS / WIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let M4 = params.M / 4u;
  let N4 = params.N / 4u;
  let m = ROWS * id.y;
  let first = QUADS * id.x;
  if (m >= params.M || first >= N4) { return; }
  var aAt: array<u32, MOST / 4u>;
  for (var i = 0u; i < ROWS / 4u; i++) { aAt[i] = id.z * params.K * M4 + min(m / 4u + i, M4 - 1u); }
  var bAt: array<u32, MOST / 4u>;
  for (var q = 0u; q < QUADS; q++) { bAt[q] = id.z * params.K * N4 + min(first + q, N4 - 1u); }
  var sum: array<vec4f, 2u * MOST>;
  for (var k = 0u; k < params.K; k++) {
    var row: array<vec4f, MOST / 4u>;
    for (var q = 0u; q < QUADS; q++) { row[q] = b[bAt[q] + k * N4]; }
    for (var i = 0u; i < ROWS / 4u; i++) {
      let column = a[aAt[i] + k * M4];
      for (var j = 0u; j < 4u; j++) {
        for (var q = 0u; q < QUADS; q++) {
          let at = 2u * (4u * i + j) + q;
          sum[at] = fma(vec4f(column[j]), row[q], sum[at]);
        }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    if (m + r >= params.M) { return; }
    let at = (id.z * params.M + m + r) * N4;
    for (var q = 0u; q < QUADS; q++) {
      let column = first + q;
      if (column < N4) { c[at + column] = sum[2u * r + q] + select(vec4f(), c[at + column], params.add == 1u); }
    }
  }
}
