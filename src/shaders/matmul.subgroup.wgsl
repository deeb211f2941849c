// Matrix product by broadcasts within a subgroup: every element of A and B is loaded once for a whole subgroup, for
// adapters whose loads cost more than their sums. One file for all three forms, told by TRANSPOSE_A and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4, and M too where A is transposed; `matmul.wgsl` is the plain twin. Every element of C is
// summed in the order of k.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
// What becomes of the sums [batch, M, N] stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// Threads of a workgroup lie side by side along the columns, four of them each, and share ROWS rows. Eight rows are a
// part of `matmul.parts.wgsl`, which is appended; its sums lie in an array of their own, small enough for compilers to
// write its loops out. Past the edge the last rows are repeated and not stored.
// Where params.symmetric is 1 the product equals its transpose: workgroups below the diagonal leave, those above it
// store twice.
// Dispatch: ceil(N / (4 WIDE)) x ceil(M / ROWS) x batch workgroups.

enable subgroups;

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
/// Threads of a workgroup: those of a subgroup, or fewer.
override WIDE = 8u;
const THREADS = 8u;
/// Invocations that hold rows; no subgroup may have fewer.
const LANES = 8u;
override ROWS = 16u; // of a workgroup, 16 or 32

/// Row j is B[4 k4 + j, four columns].
fn fourOfB(start: u32, k4: u32, column4: u32) -> mat4x4f {
  if (TRANSPOSE_B == 1u) {
    let K4 = params.K / 4u;
    let at = start + weightRows(column4, params.N) * K4 + k4;
    return transpose(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]));
  }
  let N4 = params.N / 4u;
  let at = start + 4u * k4 * N4 + column4;
  return mat4x4f(b[at], b[at + N4], b[at + 2u * N4], b[at + 3u * N4]);
}

/// Where an invocation's four of each part lie at k = 0: four k of row `lane`, or, where A is transposed, four rows at
/// k = lane / 2.
fn startsOfA(start: u32, m: u32, lane: u32) -> vec4u {
  let first = m + LANES * vec4u(0u, 1u, 2u, 3u);
  if (TRANSPOSE_A == 1u) {
    let M4 = params.M / 4u;
    return start + lane / 2u * M4 + min(first / 4u + lane % 2u, vec4u(M4 - 1u));
  }
  return start + min(first + lane, vec4u(params.M - 1u)) * (params.K / 4u);
}

/// Hands the part of row m over and, where it is mirrored, once more across the diagonal.
fn finish(sums: ptr<function, array<vec4f, LANES>>, batch: u32, m: u32, column4: u32, isMirrored: bool) {
  let N4 = params.N / 4u;
  // A count that is not known beforehand keeps compilers from writing the stores out, which takes some of them seconds.
  let end = min(m + LANES, params.M);
  for (var r = m; r < end; r++) { store(batch * params.M + r, column4, N4, (*sums)[r - m]); }
  if (!isMirrored) { return; }
  for (var r = m; r < end; r += 4u) {
    let i = r - m;
    let rows = mat4x4f((*sums)[i], (*sums)[i + 1u], (*sums)[i + 2u], (*sums)[i + 3u]);
    mirror(batch * params.N + 4u * column4, r / 4u, N4, rows);
  }
}

@compute @workgroup_size(WIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  let m = ROWS * group.y;
  let diagonal = m / (4u * WIDE);
  if (params.symmetric == 1u && group.x < diagonal) { return; }
  let column = WIDE * group.x + local;
  let starts = startsOfA(group.z * params.M * K4, m, invocation % LANES);
  let bStart = group.z * params.N * K4;
  let step = select(1u, params.M, TRANSPOSE_A == 1u);
  var sums0: array<vec4f, LANES>;
  var sums1: array<vec4f, LANES>;
  var sums2: array<vec4f, LANES>;
  var sums3: array<vec4f, LANES>;
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(bStart, k, min(column, N4 - 1u));
    let at = starts + k * step; // all loads before the first sum
    let part0 = a[at.x];
    let part1 = a[at.y];
    if (ROWS > 16u) {
      let part2 = a[at.z];
      let part3 = a[at.w];
      accumulate(&sums2, part2, four);
      accumulate(&sums3, part3, four);
    }
    accumulate(&sums0, part0, four);
    accumulate(&sums1, part1, four);
  }
  if (column >= N4) { return; }
  let isMirrored = params.symmetric == 1u && group.x > diagonal;
  finish(&sums0, group.z, m, column, isMirrored);
  finish(&sums1, group.z, m + LANES, column, isMirrored);
  if (ROWS > 16u) {
    finish(&sums2, group.z, m + 2u * LANES, column, isMirrored);
    finish(&sums3, group.z, m + 3u * LANES, column, isMirrored);
  }
}
