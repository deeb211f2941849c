// Grouped matrix product over the rows of each expert, gradient of the weights: register tiles, loads of four.
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
// One thread per tile of ROWS x 4 QUADS of one expert, ROWS in whole fours; it walks over the expert's rows in order.
// Dispatch: ceil(D / (32 QUADS)) x ceil(F / (8 ROWS)) x E workgroups.

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
const MOST = 8u;
/// Rows of a tile, at most MOST; fours of columns, at most MOST / 4.
override ROWS = 4u;
override QUADS = 1u;

fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let D4 = params.D / 4u;
  let F4 = params.F / 4u;
  let f = ROWS / 4u * id.y;
  let first = QUADS * id.x;
  if (first >= D4 || f >= F4) { return; }
  let e = id.z;
  var sum: array<vec4f, 2u * MOST>;
  for (var r = segments[e]; r < segments[e + 1u]; r++) {
    let at = rowOf(r) * D4;
    var row: array<vec4f, MOST / 4u>;
    for (var q = 0u; q < QUADS; q++) { row[q] = b[at + min(first + q, D4 - 1u)]; }
    for (var i = 0u; i < ROWS / 4u; i++) {
      let column = a[r * F4 + min(f + i, F4 - 1u)];
      for (var j = 0u; j < 4u; j++) {
        for (var q = 0u; q < QUADS; q++) {
          let k = 2u * (4u * i + j) + q;
          sum[k] = fma(vec4f(column[j]), row[q], sum[k]);
        }
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    if (4u * f + i >= params.F) { return; }
    for (var q = 0u; q < QUADS; q++) {
      let at = (e * params.F + 4u * f + i) * D4 + first + q;
      if (first + q < D4) { c[at] = sum[2u * i + q] + select(vec4f(), c[at], params.add == 1u); }
    }
  }
}
