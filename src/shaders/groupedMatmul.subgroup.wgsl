// Grouped matrix product over the rows of each expert by broadcasts within a subgroup: every element is loaded once for
// a whole subgroup. Two products in one file, told by TRANSPOSE_B:
//   0: dx[r, d] = sum over f of dy[row(r), f] w[e, f, d]
//   1:  y[r, f] = sum over d of  x[row(r), d] w[e, f, d]
// Rows r are sorted by expert, e is the expert of r; row(r) is source[r] / K where params.gather is K, else r.
// Both are found by `groupedMatmul.rows.wgsl`, which is appended.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin, and sums in the same order.
//
//   segments  [2 (E + 1)]            in      from `dispatch.wgsl`
//   source_R  [R]                    in      from `dispatch.wgsl`
//   a         [rows, F] or [rows, D] in      dy or x
//   b         [E, F, D]              in      w
// What becomes of the sums, dx [R, D] or y [R, F], stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// A block is 32 sorted rows of one expert, a workgroup does ROWS of them. Its threads lie side by side along the
// columns, four of them each, and share the rows. Eight rows are a part of `matmul.parts.wgsl`, which is appended too.
// Rows past the expert's last repeat it and are not stored.
// Dispatch: ceil(columns / (4 WIDE)) x 32 / ROWS (upper bound of blocks), spread over y and z; the rest leave.

enable subgroups;

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
/// Threads of a workgroup: those of a subgroup, or fewer.
override WIDE = 8u;
const THREADS = 8u;
/// Invocations that hold rows; no subgroup may have fewer.
const LANES = 8u;
/// How `matmul.parts.wgsl` finds a part.
const TRANSPOSE_A = 0u;
const BLOCK = 32u;
override ROWS = 16u; // of a workgroup, 16 or 32

/// Row j is w of four columns at 4 k4 + j of what is summed over.
fn fourOfB(e: u32, k4: u32, column4: u32) -> mat4x4f {
  let D4 = params.D / 4u;
  if (TRANSPOSE_B == 1u) {
    let at = (e * params.F + weightRows(column4, params.F)) * D4 + k4;
    return transpose(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]));
  }
  let at = (e * params.F + 4u * k4) * D4 + column4;
  return mat4x4f(b[at], b[at + D4], b[at + 2u * D4], b[at + 3u * D4]);
}

/// Hands the part of row r over.
fn finish(sums: ptr<function, array<vec4f, LANES>>, r: u32, end: u32, column4: u32, N4: u32) {
  // A count that is not known beforehand keeps compilers from writing the stores out, which takes some of them seconds.
  let last = min(r + LANES, end);
  for (var row = r; row < last; row++) { store(row, column4, N4, (*sums)[row - r]); }
}

@compute @workgroup_size(WIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let piece = group.z * groups.y + group.y;
  let pieces = BLOCK / ROWS;
  let block = piece / pieces;
  let blocks = params.E + 1u;
  if (block >= segments[blocks + params.E]) { return; }
  let e = expertAt(block, blocks);
  let end = segments[e + 1u];
  let first = segments[e] + BLOCK * (block - segments[blocks + e]) + ROWS * (piece % pieces);
  if (first >= end) { return; }
  let K4 = select(params.F, params.D, TRANSPOSE_B == 1u) / 4u;
  let N4 = select(params.D, params.F, TRANSPOSE_B == 1u) / 4u;
  let column = WIDE * group.x + local;
  let own = min(vec4u(first + invocation % LANES) + LANES * vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u));
  let starts = K4 * vec4u(rowOf(own.x), rowOf(own.y), rowOf(own.z), rowOf(own.w));
  let isTall = ROWS > 16u && first + 16u < end;
  var sums0: array<vec4f, LANES>;
  var sums1: array<vec4f, LANES>;
  var sums2: array<vec4f, LANES>;
  var sums3: array<vec4f, LANES>;
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(e, k, min(column, N4 - 1u));
    let at = starts + k; // all loads before the first sum
    let part0 = a[at.x];
    let part1 = a[at.y];
    if (isTall) {
      let part2 = a[at.z];
      let part3 = a[at.w];
      accumulate(&sums2, part2, four);
      accumulate(&sums3, part3, four);
    }
    accumulate(&sums0, part0, four);
    accumulate(&sums1, part1, four);
  }
  if (column >= N4) { return; }
  finish(&sums0, first, end, column, N4);
  finish(&sums1, first + LANES, end, column, N4);
  if (isTall) {
    finish(&sums2, first + 2u * LANES, end, column, N4);
    finish(&sums3, first + 3u * LANES, end, column, N4);
  }
}
