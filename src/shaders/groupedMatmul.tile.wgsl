// Grouped matrix product over the rows of each expert in register tiles of eight rows and four columns, loads of four
// floats. Two products in one file, told by TRANSPOSE_B:
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
//   c         [R, D] or [R, F]       in/out  dx or y; added to where params.add is 1, else overwritten
//
// A block is 32 sorted rows of one expert; one workgroup per block and 32 columns, one thread per tile, whose sums have
// names of their own as in `matmul.tile.wgsl`. Rows past the expert's last repeat it and are not stored.
// Dispatch: ceil(columns / 32) x upper bound of blocks, spread over y and z; workgroups past the last block leave.

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
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

override TRANSPOSE_B = 0u;
const THREADS = 32u;
const WIDE = 8u;
const BLOCK = 32u;
const ROWS = 8u;

/// Where four rows from r on start in a, the expert's last one in the place of those behind it.
fn startsOf(r: u32, end: u32, K4: u32) -> vec4u {
  let rows = min(vec4u(r, r + 1u, r + 2u, r + 3u), vec4u(end - 1u));
  return vec4u(rowOf(rows.x), rowOf(rows.y), rowOf(rows.z), rowOf(rows.w)) * K4;
}

/// Row j is w of four columns at 4 k4 + j of what is summed over.
fn fourOfB(e: u32, k4: u32, column4: u32) -> mat4x4f {
  let D4 = params.D / 4u;
  let f4 = select(k4, column4, TRANSPOSE_B == 1u);
  let d4 = select(column4, k4, TRANSPOSE_B == 1u);
  let at = (e * params.F + 4u * f4) * D4 + d4;
  let four = mat4x4f(b[at], b[at + D4], b[at + 2u * D4], b[at + 3u * D4]);
  if (TRANSPOSE_B == 1u) { return transpose(four); }
  return four;
}

/// The sum with four more of what is summed over.
fn more(sum: vec4f, row: vec4f, four: mat4x4f) -> vec4f {
  let two = fma(vec4f(row.y), four[1], fma(vec4f(row.x), four[0], sum));
  return fma(vec4f(row.w), four[3], fma(vec4f(row.z), four[2], two));
}

@compute @workgroup_size(WIDE, BLOCK / ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let block = group.z * groups.y + group.y;
  let blocks = params.E + 1u;
  if (block >= segments[blocks + params.E]) { return; }
  let e = expertAt(block, blocks);
  let end = segments[e + 1u];
  let r = segments[e] + BLOCK * (block - segments[blocks + e]) + ROWS * local.y;
  let K4 = select(params.F, params.D, TRANSPOSE_B == 1u) / 4u;
  let N4 = select(params.D, params.F, TRANSPOSE_B == 1u) / 4u;
  let column = WIDE * group.x + local.x;
  if (r >= end || column >= N4) { return; }
  let low = startsOf(r, end, K4);
  let high = startsOf(r + 4u, end, K4);
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(e, k, column);
    sum0 = more(sum0, a[low.x + k], four);
    sum1 = more(sum1, a[low.y + k], four);
    sum2 = more(sum2, a[low.z + k], four);
    sum3 = more(sum3, a[low.w + k], four);
    sum4 = more(sum4, a[high.x + k], four);
    sum5 = more(sum5, a[high.y + k], four);
    sum6 = more(sum6, a[high.z + k], four);
    sum7 = more(sum7, a[high.w + k], four);
  }
  let at = r * N4 + column;
  let rows = end - r;
  let sums = array(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  for (var r = 0u; r < ROWS; r++) {
    let place = at + r * N4;
    if (r < rows) { c[place] = sums[r] + select(vec4f(), c[place], params.add == 1u); }
  }
}
