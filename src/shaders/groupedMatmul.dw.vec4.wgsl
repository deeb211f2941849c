// Grouped matrix product over the rows of each expert, gradient of the weights: register tiles of four by four.
//   dw[e, f, d] += sum over the rows r of e of dy[r, f] x[row(r), d]
// Rows r are sorted by expert; row(r) is source[r] / K where params.gather is K, else r.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   source_R  [R]          in      from `dispatch.wgsl`
//   a         [R, F]       in      dy
//   b         [rows, D]    in      x
//   c         [E, F, D]    in/out  dw; added to where params.add is 1, else overwritten
//
// One thread per tile of 4 x 4 of one expert; it walks over the rows of the expert, in order.
// Dispatch: ceil(D / 32) x ceil(F / 32) x E workgroups.

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

const THREADS = 64u;
const SIDE = 8u;

fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}

fn store(at: u32, values: vec4f) {
  c[at] = values + select(vec4f(), c[at], params.add == 1u);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let D4 = params.D / 4u;
  let F4 = params.F / 4u;
  if (id.x >= D4 || id.y >= F4) { return; }
  let e = id.z;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var r = segments[e]; r < segments[e + 1u]; r++) {
    let column = a[r * F4 + id.y];
    let row = b[rowOf(r) * D4 + id.x];
    sum0 += column.x * row;
    sum1 += column.y * row;
    sum2 += column.z * row;
    sum3 += column.w * row;
  }
  let at = (e * params.F + 4u * id.y) * D4 + id.x;
  store(at, sum0);
  store(at + D4, sum1);
  store(at + 2u * D4, sum2);
  store(at + 3u * D4, sum3);
}
