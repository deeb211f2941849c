// Grouped matrix product over the rows of each expert, over tiles in workgroup memory, for graphics cards: each element
// is loaded once for a whole tile of the result. Two products in one file, told by TRANSPOSE_B:
//   0: dx[r, d] = sum over f of dy[row(r), f] w[e, f, d]
//   1:  y[r, f] = sum over d of  x[row(r), d] w[e, f, d]
// Rows r are sorted by expert, e is the expert of r; row(r) is source[r] / K where params.gather is K, else r.
// Both are found by `groupedMatmul.rows.wgsl`, which is appended.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin, and sums in the same order; behind the last term
// stand zeros, which leave a sum as it is.
//
//   segments  [2 (E + 1)]            in      from `dispatch.wgsl`
//   source_R  [R]                    in      from `dispatch.wgsl`
//   a         [rows, F] or [rows, D] in      dy or x
//   b         [E, F, D]              in      w
// What becomes of the sums, dx [R, D] or y [R, F], stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// A workgroup does a block of 32 sorted rows of one expert and 64 QUADS columns; a thread has four rows and every
// SIDE-th four of columns. Workgroup memory holds DEPTH terms of both matrices in fours along rows and columns. Rows
// past the expert's last repeat it and are not stored.
// Dispatch: ceil(columns / (64 QUADS)) x upper bound of blocks, spread over y and z; those past the last block leave.

struct Params {
  R: u32,
  E: u32,
  F: u32,
  D: u32,
  gather: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<u32>;
@group(0) @binding(2) var<storage, read> source_R: array<u32>;
@group(0) @binding(3) var<storage, read> a: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;

override TRANSPOSE_B = 0u;
override QUADS = 1u; // fours of columns that a thread has, 1 or 2
const THREADS = 128u;
const BLOCK = 32u;
/// Threads along the columns; fours of rows.
const SIDE = 16u;
const TALL = 8u;
const DEPTH = 16u;
override BROAD = QUADS * SIDE;
/// Where in a each row of the block starts.
var<workgroup> starts: array<u32, BLOCK>;
var<workgroup> aTile: array<vec4f, DEPTH * TALL>;
var<workgroup> bTile: array<vec4f, DEPTH * BROAD>;

/// Row j is term 4 k4 + j of four rows.
fn fourOfA(side: u32, k4: u32) -> mat4x4f {
  let row = 4u * side;
  return transpose(
    mat4x4f(a[starts[row] + k4], a[starts[row + 1u] + k4], a[starts[row + 2u] + k4], a[starts[row + 3u] + k4])
  );
}

/// Row j is w of four columns at term 4 k4 + j; past the last column the last ones again.
fn fourOfB(e: u32, k4: u32, column4: u32) -> mat4x4f {
  let D4 = params.D / 4u;
  if (TRANSPOSE_B == 1u) {
    let at = (e * params.F + weightRows(min(column4, params.F / 4u - 1u), params.F)) * D4 + k4;
    return transpose(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]));
  }
  let at = (e * params.F + 4u * k4) * D4 + min(column4, D4 - 1u);
  return mat4x4f(b[at], b[at + D4], b[at + 2u * D4], b[at + 3u * D4]);
}

/// Brings DEPTH terms from 4 k4 on into workgroup memory, in blocks of four terms and four rows or columns.
fn bring(e: u32, first4: u32, local: u32, k4: u32, K4: u32) {
  let aBlocks = TALL * (DEPTH / 4u);
  for (var i = local; i < (TALL + BROAD) * (DEPTH / 4u); i += THREADS) {
    let isA = i < aBlocks;
    let wide = select(BROAD, TALL, isA);
    let block = select(i - aBlocks, i, isA);
    let side = block % wide;
    let deep = block / wide;
    var four = mat4x4f();
    if (k4 + deep < K4) {
      if (isA) { four = fourOfA(side, k4 + deep); } else { four = fourOfB(e, k4 + deep, first4 + side); }
    }
    for (var j = 0u; j < 4u; j++) {
      let at = (4u * deep + j) * wide + side;
      if (isA) { aTile[at] = four[j]; } else { bTile[at] = four[j]; }
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = group.z * groups.y + group.y;
  let blocks = params.E + 1u;
  if (block >= segments[blocks + params.E]) { return; }
  let e = expertAt(block, blocks);
  let end = segments[e + 1u];
  let first = segments[e] + BLOCK * (block - segments[blocks + e]);
  let K4 = select(params.F, params.D, TRANSPOSE_B == 1u) / 4u;
  let N4 = select(params.D, params.F, TRANSPOSE_B == 1u) / 4u;
  if (local < BLOCK) { starts[local] = rowOf(min(first + local, end - 1u)) * K4; }
  workgroupBarrier();
  let rows = local / SIDE;
  let column = local % SIDE;
  var sums: array<vec4f, 8>;
  for (var k = 0u; k < K4; k += DEPTH / 4u) {
    bring(e, BROAD * group.x, local, k, K4);
    workgroupBarrier();
    for (var j = 0u; j < DEPTH; j++) {
      let four = aTile[j * TALL + rows];
      for (var q = 0u; q < QUADS; q++) {
        let row = bTile[j * BROAD + q * SIDE + column];
        for (var i = 0u; i < 4u; i++) { sums[4u * q + i] = fma(vec4f(four[i]), row, sums[4u * q + i]); }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u * QUADS; i++) {
    let r = first + 4u * rows + i % 4u;
    let n = BROAD * group.x + i / 4u * SIDE + column;
    if (r < end && n < N4) { store(r, n, N4, sums[i]); }
  }
}
