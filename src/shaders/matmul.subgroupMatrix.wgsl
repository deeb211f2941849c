// Matrix product by the subgroup matrices of adapters that have them: 8 x 8 elements that a subgroup holds and
// multiplies together. An experiment of Dawn's, no part of WebGPU. One file for all three forms, told by TRANSPOSE_A
// and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4, and M too where A is transposed; `matmul.wgsl` is the plain twin. Matrices are added in
// the order of k; in which order one sums its eight is the adapter's, so it is tried before it is taken.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
// What becomes of the sums [batch, M, N] stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// A workgroup of four subgroups, each of 32, does a tile of SIDE x SIDE elements, each subgroup a quarter of it.
// Workgroup memory holds DEPTH k of both matrices, zeros past their edges, and in the end the tile. Where
// params.symmetric is 1 the product equals its transpose: workgroups below the diagonal leave, those above it store
// twice.
// Dispatch: ceil(N / SIDE) x ceil(M / SIDE) x batch workgroups.

enable subgroups;
enable chromium_experimental_subgroup_matrix;

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

override TRANSPOSE_A = 0u;
override TRANSPOSE_B = 0u;
const THREADS = 128u;
const SIDE = 64u;
const DEPTH = 32u;
/// Side of a matrix; matrices along each side of a subgroup's quarter.
const EDGE = 8u;
const MATRICES = 4u;
/// A's rows of DEPTH k, then from B_START on B's DEPTH rows of columns; in the end the tile's rows.
var<workgroup> memory: array<f32, 4096>;
const B_START = SIDE * DEPTH;

/// Four k of one row of A, or, where A is transposed, four rows at one k.
fn bringA(batch: u32, m0: u32, k0: u32, i: u32) {
  let M4 = params.M / 4u;
  let K4 = params.K / 4u;
  if (TRANSPOSE_A == 1u) {
    let k = i / (SIDE / 4u);
    let m4 = i % (SIDE / 4u);
    let isInside = k0 + k < params.K && m0 / 4u + m4 < M4;
    var four = vec4f();
    if (isInside) { four = a[(batch * params.K + k0 + k) * M4 + m0 / 4u + m4]; }
    for (var j = 0u; j < 4u; j++) { memory[(4u * m4 + j) * DEPTH + k] = four[j]; }
    return;
  }
  let m = i / (DEPTH / 4u);
  let k4 = i % (DEPTH / 4u);
  let isInside = m0 + m < params.M && k0 / 4u + k4 < K4;
  var four = vec4f();
  if (isInside) { four = a[(batch * params.M + m0 + m) * K4 + k0 / 4u + k4]; }
  for (var j = 0u; j < 4u; j++) { memory[m * DEPTH + 4u * k4 + j] = four[j]; }
}

/// Four columns of B at one k, or, where B is transposed, four k of one column.
fn bringB(batch: u32, n0: u32, k0: u32, i: u32) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  if (TRANSPOSE_B == 1u) {
    let n = i / (DEPTH / 4u);
    let k4 = i % (DEPTH / 4u);
    let isInside = n0 + n < params.N && k0 / 4u + k4 < K4;
    var four = vec4f();
    if (isInside) {
      let row = weightRows((n0 + n) / 4u, params.N)[n % 4u];
      four = b[(batch * params.N + row) * K4 + k0 / 4u + k4];
    }
    for (var j = 0u; j < 4u; j++) { memory[B_START + (4u * k4 + j) * SIDE + n] = four[j]; }
    return;
  }
  let k = i / (SIDE / 4u);
  let n4 = i % (SIDE / 4u);
  let isInside = k0 + k < params.K && n0 / 4u + n4 < N4;
  var four = vec4f();
  if (isInside) { four = b[(batch * params.K + k0 + k) * N4 + n0 / 4u + n4]; }
  for (var j = 0u; j < 4u; j++) { memory[B_START + k * SIDE + 4u * n4 + j] = four[j]; }
}

/// Four columns of a row of the tile.
fn fourOf(row: u32, column4: u32) -> vec4f {
  let at = row * SIDE + 4u * column4;
  return vec4f(memory[at], memory[at + 1u], memory[at + 2u], memory[at + 3u]);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  if (params.symmetric == 1u && group.x < group.y) { return; }
  let m0 = EDGE * MATRICES * (subgroup / 2u);
  let n0 = EDGE * MATRICES * (subgroup % 2u);
  var sums: array<subgroup_matrix_result<f32, 8, 8>, MATRICES * MATRICES>;
  for (var k = 0u; k < params.K; k += DEPTH) {
    for (var i = local; i < B_START / 4u; i += THREADS) {
      bringA(group.z, SIDE * group.y, k, i);
      bringB(group.z, SIDE * group.x, k, i);
    }
    workgroupBarrier();
    for (var j = 0u; j < DEPTH; j += EDGE) {
      var right: array<subgroup_matrix_right<f32, 8, 8>, MATRICES>;
      for (var q = 0u; q < MATRICES; q++) {
        let at = B_START + j * SIDE + n0 + EDGE * q;
        right[q] = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&memory, at, SIDE);
      }
      for (var r = 0u; r < MATRICES; r++) {
        let at = (m0 + EDGE * r) * DEPTH + j;
        let left = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&memory, at, DEPTH);
        for (var q = 0u; q < MATRICES; q++) {
          sums[MATRICES * r + q] = subgroupMatrixMultiplyAccumulate(left, right[q], sums[MATRICES * r + q]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < MATRICES * MATRICES; i++) {
    let at = (m0 + EDGE * (i / MATRICES)) * SIDE + n0 + EDGE * (i % MATRICES);
    subgroupMatrixStore<row_major>(&memory, at, sums[i], SIDE);
  }
  workgroupBarrier();
  let N4 = params.N / 4u;
  let m = SIDE * group.y;
  let n4 = SIDE / 4u * group.x;
  for (var i = local; i < SIDE * SIDE / 4u; i += THREADS) {
    let r = i / (SIDE / 4u);
    let q = i % (SIDE / 4u);
    if (m + r < params.M && n4 + q < N4) { store(group.z * params.M + m + r, n4 + q, N4, fourOf(r, q)); }
  }
  if (params.symmetric == 0u || group.x == group.y) { return; }
  // Above the diagonal a workgroup has all its rows.
  for (var i = local; i < SIDE * SIDE / 16u; i += THREADS) {
    let r = 4u * (i / (SIDE / 4u));
    let q = i % (SIDE / 4u);
    let rows = mat4x4f(fourOf(r, q), fourOf(r + 1u, q), fourOf(r + 2u, q), fourOf(r + 3u, q));
    if (n4 + q < N4) { mirror(group.z * params.N + 4u * (n4 + q), (m + r) / 4u, N4, rows); }
  }
}
