// Grouped matrix product over the rows of each expert, gradient of the weights, in register tiles of eight rows and
// four columns, loads of four floats.
//   dw[e, f, d] += sum over the rows r of e of dy[r, f] x[row(r), d]
// Rows r are sorted by expert; row(r) is source[r] / K where params.gather is K, else r:
// `groupedMatmul.rows.wgsl`, which is appended.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin, and sums in the same order.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   source_R  [R]          in      from `dispatch.wgsl`
//   a         [R, F]       in      dy
//   b         [rows, D]    in      x
//   c         [E, F, D]    in/out  dw; added to where params.add is 1, else overwritten
//
// One thread per tile of one expert, whose sums have names of their own as in `matmul.tile.wgsl`; it walks over the
// expert's rows in order.
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

const THREADS = 32u;
const WIDE = 8u;
const TALL = 4u;

@compute @workgroup_size(WIDE, TALL)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let D4 = params.D / 4u;
  let F4 = params.F / 4u;
  let f = 2u * id.y;
  let d = id.x;
  if (d >= D4 || f >= F4) { return; }
  let isWhole = f + 1u < F4;
  let second = select(f, f + 1u, isWhole);
  let e = id.z;
  let end = segments[e + 1u];
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  for (var r = segments[e]; r < end; r++) {
    let row = b[rowOf(r) * D4 + d];
    let low = a[r * F4 + f];
    sum0 = fma(vec4f(low.x), row, sum0);
    sum1 = fma(vec4f(low.y), row, sum1);
    sum2 = fma(vec4f(low.z), row, sum2);
    sum3 = fma(vec4f(low.w), row, sum3);
    let high = a[r * F4 + second];
    sum4 = fma(vec4f(high.x), row, sum4);
    sum5 = fma(vec4f(high.y), row, sum5);
    sum6 = fma(vec4f(high.z), row, sum6);
    sum7 = fma(vec4f(high.w), row, sum7);
  }
  let at = (e * params.F + 4u * f) * D4 + d;
  let rows = select(4u, 8u, isWhole);
  let sums = array(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  for (var i = 0u; i < 8u; i++) {
    let place = at + i * D4;
    if (i < rows) { c[place] = sums[i] + select(vec4f(), c[place], params.add == 1u); }
  }
}
