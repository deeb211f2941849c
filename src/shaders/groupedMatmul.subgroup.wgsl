// Grouped matrix product over the rows of each expert by broadcasts within a subgroup: every element is loaded once for
// a whole subgroup. Two products in one file, told by TRANSPOSE_B:
//   0: dx[r, d] = sum over f of dy[row(r), f] w[e, f, d]
//   1:  y[r, f] = sum over d of  x[row(r), d] w[e, f, d]
// Rows r are sorted by expert, e is the expert of r; row(r) is source[r] / K where params.gather is K, else r.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin, and sums in the same order.
//
//   segments  [2 (E + 1)]            in      from `dispatch.wgsl`
//   source_R  [R]                    in      from `dispatch.wgsl`
//   a         [rows, F] or [rows, D] in      dy or x
//   b         [E, F, D]              in      w
// What becomes of the sums, dx [R, D] or y [R, F], stands in an epilogue: `matmul.epilogue.wgsl` stores them.
//
// A block is 32 sorted rows of one expert, a workgroup does ROWS of them. Its threads lie side by side along the
// columns, four of them each, and share the rows, whose elements lie spread over the first LANES invocations of a
// subgroup.
// Dispatch: ceil(columns / (4 WIDE)) x 2 (upper bound of blocks), spread over y and z; those past the last block leave.

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
const BLOCK = 32u;
const ROWS = 16u;
const PARTS = ROWS / LANES;

/// Expert whose segment holds `at`, by halving; the list of firsts starts at segments[base].
fn expertAt(at: u32, base: u32) -> u32 {
  var low = 0u;
  var high = params.E - 1u;
  while (low < high) {
    let middle = (low + high + 1u) / 2u;
    if (segments[base + middle] <= at) { low = middle; } else { high = middle - 1u; }
  }
  return low;
}

fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}

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

@compute @workgroup_size(WIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let half = group.z * groups.y + group.y;
  let block = half / 2u;
  let blocks = params.E + 1u;
  if (block >= segments[blocks + params.E]) { return; }
  let e = expertAt(block, blocks);
  let end = segments[e + 1u];
  let first = segments[e] + BLOCK * (block - segments[blocks + e]) + ROWS * (half % 2u);
  if (first >= end) { return; }
  let K4 = select(params.F, params.D, TRANSPOSE_B == 1u) / 4u;
  let N4 = select(params.D, params.F, TRANSPOSE_B == 1u) / 4u;
  let column = WIDE * group.x + local;
  var aAt: array<u32, PARTS>;
  for (var i = 0u; i < PARTS; i++) {
    aAt[i] = rowOf(min(first + LANES * i + invocation % LANES, end - 1u)) * K4;
  }
  var sum: array<vec4f, ROWS>;
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(e, k, min(column, N4 - 1u));
    var part: array<vec4f, PARTS>;
    for (var i = 0u; i < PARTS; i++) { part[i] = a[aAt[i] + k]; }
    for (var i = 0u; i < PARTS; i++) {
      let v0 = subgroupBroadcast(part[i], 0u);
      let v1 = subgroupBroadcast(part[i], 1u);
      let v2 = subgroupBroadcast(part[i], 2u);
      let v3 = subgroupBroadcast(part[i], 3u);
      let v4 = subgroupBroadcast(part[i], 4u);
      let v5 = subgroupBroadcast(part[i], 5u);
      let v6 = subgroupBroadcast(part[i], 6u);
      let v7 = subgroupBroadcast(part[i], 7u);
      let rows = array(v0, v1, v2, v3, v4, v5, v6, v7);
      for (var j = 0u; j < LANES; j++) {
        var s = sum[LANES * i + j];
        s = fma(vec4f(rows[j].x), four[0], s);
        s = fma(vec4f(rows[j].y), four[1], s);
        s = fma(vec4f(rows[j].z), four[2], s);
        sum[LANES * i + j] = fma(vec4f(rows[j].w), four[3], s);
      }
    }
  }
  if (column >= N4) { return; }
  // A count that is not known beforehand keeps compilers from writing the stores out, which takes some of them seconds.
  let last = min(first + ROWS, end);
  for (var r = first; r < last; r++) { store(r, column, N4, sum[r - first]); }
}
