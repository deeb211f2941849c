// Grouped matrix product over the rows of each expert, gradient of the rows: register tiles of four by four.
//   dx[r, d] = sum over f of dy[r, f] w[e, f, d]
// Rows r are sorted by expert, e is the expert of r. D and F are multiples of 4.
// `groupedMatmul.wgsl` is the plain twin.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   a         [R, F]       in      dy
//   b         [E, F, D]    in      w
//   c         [R, D]       in/out  dx; added to where params.add is 1, else overwritten
//
// A block is 32 sorted rows of one expert; one workgroup per block and 32 columns, one thread per tile of 4 x 4.
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
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> c: array<vec4f>;

const THREADS = 64u;
const SIDE = 8u;

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

fn store(at: u32, values: vec4f) {
  c[at] = values + select(vec4f(), c[at], params.add == 1u);
}

@compute @workgroup_size(SIDE, SIDE)
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
  let r = segments[e] + 32u * (block - segments[blocks + e]) + 4u * local.y;
  let column = SIDE * group.x + local.x;
  let D4 = params.D / 4u;
  let F4 = params.F / 4u;
  if (r >= end || column >= D4) { return; }
  let rows = min(vec4u(r, r + 1u, r + 2u, r + 3u), vec4u(end - 1u));
  var aAt = rows * F4;
  var bAt = e * params.F * D4 + column;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var f = 0u; f < F4; f++) {
    let tile = mat4x4f(b[bAt], b[bAt + D4], b[bAt + 2u * D4], b[bAt + 3u * D4]);
    sum0 += tile * a[aAt.x];
    sum1 += tile * a[aAt.y];
    sum2 += tile * a[aAt.z];
    sum3 += tile * a[aAt.w];
    aAt += vec4u(1u);
    bAt += 4u * D4;
  }
  let at = r * D4 + column;
  store(at, sum0);
  if (r + 1u < end) { store(at + D4, sum1); }
  if (r + 2u < end) { store(at + 2u * D4, sum2); }
  if (r + 3u < end) { store(at + 3u * D4, sum3); }
}
