// Matrix product over tiles in workgroup memory, for graphics cards: each element is loaded once for a whole tile of
// the result. One file for all three forms, told by TRANSPOSE_A and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4, and M too where A is transposed; `matmul.wgsl` is the plain twin. Every element of C is
// summed in the order of k; behind the last k stand zeros, which leave a sum as it is.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
// What becomes of the sums [batch, M, N] stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// A workgroup of SIDE x SIDE threads does a tile of ROWS SIDE x 4 QUADS SIDE elements; a thread has ROWS rows in a row,
// and every SIDE-th four of columns. Workgroup memory holds DEPTH k of both matrices in fours along m and along n.
// Where params.symmetric is 1 the product equals its transpose: workgroups below the diagonal leave, those above it
// store twice.
// Dispatch: ceil(N / (4 QUADS SIDE)) x ceil(M / (ROWS SIDE)) x batch workgroups.

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
/// Threads along each side of a workgroup, 8 or 16; rows of a thread, 4 or 8; its fours of columns, 1 or 2.
override SIDE = 16u;
override ROWS = 4u;
override QUADS = 1u;
const THREADS = 256u;
const MOST = 8u;
const DEPTH = 16u;
/// Fours of a tile along m and along n.
override TALL = ROWS / 4u * SIDE;
override BROAD = QUADS * SIDE;
var<workgroup> aTile: array<vec4f, DEPTH * TALL>;
var<workgroup> bTile: array<vec4f, DEPTH * BROAD>;

/// Row j is A[4 k4 + j of k, four of m]; past the last m the last ones again.
fn fourOfA(start: u32, m4: u32, k4: u32) -> mat4x4f {
  if (TRANSPOSE_A == 1u) {
    let M4 = params.M / 4u;
    let at = start + 4u * k4 * M4 + min(m4, M4 - 1u);
    return mat4x4f(a[at], a[at + M4], a[at + 2u * M4], a[at + 3u * M4]);
  }
  let m = min(4u * m4 + vec4u(0u, 1u, 2u, 3u), vec4u(params.M - 1u));
  let at = start + m * (params.K / 4u) + k4;
  return transpose(mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
}

/// Row j is B[4 k4 + j of k, four of n]; past the last n the last ones again.
fn fourOfB(start: u32, n4: u32, k4: u32) -> mat4x4f {
  let N4 = params.N / 4u;
  let n = min(n4, N4 - 1u);
  if (TRANSPOSE_B == 1u) {
    let K4 = params.K / 4u;
    let at = start + weightRows(n, params.N) * K4 + k4;
    return transpose(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]));
  }
  let at = start + 4u * k4 * N4 + n;
  return mat4x4f(b[at], b[at + N4], b[at + 2u * N4], b[at + 3u * N4]);
}

/// Brings DEPTH k from 4 k4 on into workgroup memory, in blocks of four k and four of m or n.
fn bring(group: vec3u, local: u32, k4: u32) {
  let aBlocks = TALL * (DEPTH / 4u);
  let blocks = (TALL + BROAD) * (DEPTH / 4u);
  let K4 = params.K / 4u;
  for (var i = local; i < blocks; i += SIDE * SIDE) {
    let isA = i < aBlocks;
    let wide = select(BROAD, TALL, isA);
    let block = select(i - aBlocks, i, isA);
    let side = block % wide;
    let deep = block / wide;
    var four = mat4x4f();
    if (k4 + deep < K4) {
      if (isA) { four = fourOfA(group.z * params.M * K4, TALL * group.y + side, k4 + deep); }
      else { four = fourOfB(group.z * params.N * K4, BROAD * group.x + side, k4 + deep); }
    }
    for (var j = 0u; j < 4u; j++) {
      let at = (4u * deep + j) * wide + side;
      if (isA) { aTile[at] = four[j]; } else { bTile[at] = four[j]; }
    }
  }
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  if (params.symmetric == 1u && group.x < group.y) { return; }
  var sum: array<vec4f, 2u * MOST>;
  for (var k = 0u; k < params.K; k += DEPTH) {
    bring(group, index, k / 4u);
    workgroupBarrier();
    for (var j = 0u; j < DEPTH; j++) {
      var row: array<vec4f, MOST / 4u>;
      for (var q = 0u; q < QUADS; q++) { row[q] = bTile[j * BROAD + q * SIDE + local.x]; }
      for (var i = 0u; i < ROWS / 4u; i++) {
        let column = aTile[j * TALL + ROWS / 4u * local.y + i];
        for (var r = 0u; r < 4u; r++) {
          for (var q = 0u; q < QUADS; q++) {
            let at = 2u * (4u * i + r) + q;
            sum[at] = fma(vec4f(column[r]), row[q], sum[at]);
          }
        }
      }
    }
    workgroupBarrier();
  }
  let N4 = params.N / 4u;
  let m = ROWS * (SIDE * group.y + local.y);
  for (var r = 0u; r < ROWS; r++) {
    for (var q = 0u; q < QUADS; q++) {
      let n = BROAD * group.x + q * SIDE + local.x;
      if (m + r < params.M && n < N4) { store(group.z * params.M + m + r, n, N4, sum[2u * r + q]); }
    }
  }
  if (params.symmetric == 0u || group.x == group.y) { return; }
  // Above the diagonal a workgroup has all its rows.
  for (var r = 0u; r < ROWS; r += 4u) {
    for (var q = 0u; q < QUADS; q++) {
      let n = BROAD * group.x + q * SIDE + local.x;
      let i = 2u * r + q;
      let rows = mat4x4f(sum[i], sum[i + 2u], sum[i + 4u], sum[i + 6u]);
      if (n < N4) { mirror(group.z * params.N + 4u * n, (m + r) / 4u, N4, rows); }
    }
  }
}
