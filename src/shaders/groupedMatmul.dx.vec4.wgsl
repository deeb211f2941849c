// Grouped matrix product over the rows of each expert, gradient of the rows: register tiles, weights in fours.
//   dx[r, d] = sum over f of dy[row(r), f] w[e, f, d]
// With transposed weights in the place of w it is the forward product, whose rows may be gathered from tokens:
// row(r) is source[r] / K where params.gather is K, else r.
// Rows r are sorted by expert, e is the expert of r. D is a multiple of 4.
// `groupedMatmul.wgsl` is the plain twin.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   source_R  [R]          in      from `dispatch.wgsl`
//   a         [rows, F]    in      dy
//   b         [E, F, D]    in      w
//   c         [R, D]       in/out  dx; added to where params.add is 1, else overwritten
//
// A block is 32 sorted rows of one expert; one workgroup per block and 8 tiles of columns, one thread per tile of
// ROWS x 4 QUADS elements.
// Dispatch: columns x upper bound of blocks, spread over y and z; workgroups past the last block leave.

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
@group(0) @binding(3) var<storage, read> a: array<f32>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

const THREADS = 64u;
const SIDE = 8u;
const BLOCK = 32u;
const MOST = 8u;
/// Rows of a tile, at most MOST; fours of columns, at most MOST / 4.
override ROWS = 4u;
override QUADS = 1u;

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

@compute @workgroup_size(SIDE, BLOCK / ROWS)
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
  let first = QUADS * (SIDE * group.x + local.x);
  let D4 = params.D / 4u;
  if (r >= end || first >= D4) { return; }
  var aAt: array<u32, MOST>;
  for (var i = 0u; i < ROWS; i++) { aAt[i] = rowOf(min(r + i, end - 1u)) * params.F; }
  var bAt: array<u32, MOST / 4u>;
  for (var q = 0u; q < QUADS; q++) { bAt[q] = e * params.F * D4 + min(first + q, D4 - 1u); }
  var sum: array<vec4f, 2u * MOST>;
  for (var f = 0u; f < params.F; f++) {
    var row: array<vec4f, MOST / 4u>;
    for (var q = 0u; q < QUADS; q++) { row[q] = b[bAt[q] + f * D4]; }
    for (var i = 0u; i < ROWS; i++) {
      let value = a[aAt[i] + f];
      for (var q = 0u; q < QUADS; q++) { sum[2u * i + q] = fma(vec4f(value), row[q], sum[2u * i + q]); }
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    if (r + i >= end) { return; }
    for (var q = 0u; q < QUADS; q++) {
      let at = (r + i) * D4 + first + q;
      if (first + q < D4) { c[at] = sum[2u * i + q] + select(vec4f(), c[at], params.add == 1u); }
    }
  }
}
