// Grouped matrix product over the rows of each expert, forward: register tiles of four rows and four columns.
//   y[r, f] = sum over d of x[row(r), d] w[e, f, d]
// Rows r are sorted by expert, e is the expert of r; row(r) is source[r] / K where params.gather is K, else r.
// D is a multiple of 4. `groupedMatmul.wgsl` is the plain twin.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   source_R  [R]          in      from `dispatch.wgsl`
//   a         [rows, D]    in      x
//   b         [E, F, D]    in      w
//   c         [R, F]       in/out  y; added to where params.add is 1, else overwritten
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
@group(0) @binding(2) var<storage, read> source_R: array<u32>;
@group(0) @binding(3) var<storage, read> a: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

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

fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}

fn store(at: u32, count: u32, values: vec4f) {
  for (var i = 0u; i < count; i++) {
    c[at + i] = values[i] + select(0.0, c[at + i], params.add == 1u);
  }
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
  let f = 32u * group.x + 4u * local.x;
  if (r >= end || f >= params.F) { return; }
  let D4 = params.D / 4u;
  let rows = min(vec4u(r, r + 1u, r + 2u, r + 3u), vec4u(end - 1u));
  let columns = min(vec4u(f, f + 1u, f + 2u, f + 3u), vec4u(params.F - 1u));
  var aAt = vec4u(rowOf(rows.x), rowOf(rows.y), rowOf(rows.z), rowOf(rows.w)) * D4;
  var bAt = (e * params.F + columns) * D4;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var d = 0u; d < D4; d++) {
    let block = transpose(mat4x4f(b[bAt.x], b[bAt.y], b[bAt.z], b[bAt.w]));
    let a0 = a[aAt.x];
    let a1 = a[aAt.y];
    let a2 = a[aAt.z];
    let a3 = a[aAt.w];
    for (var j = 0u; j < 4u; j++) {
      sum0 = fma(vec4f(a0[j]), block[j], sum0);
      sum1 = fma(vec4f(a1[j]), block[j], sum1);
      sum2 = fma(vec4f(a2[j]), block[j], sum2);
      sum3 = fma(vec4f(a3[j]), block[j], sum3);
    }
    aAt += vec4u(1u);
    bAt += vec4u(1u);
  }
  let count = min(4u, params.F - f);
  let at = r * params.F + f;
  store(at, count, sum0);
  if (r + 1u < end) { store(at + params.F, count, sum1); }
  if (r + 2u < end) { store(at + 2u * params.F, count, sum2); }
  if (r + 3u < end) { store(at + 3u * params.F, count, sum3); }
}
