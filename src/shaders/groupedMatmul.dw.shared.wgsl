// Grouped matrix product over the rows of each expert, gradient of the weights, over tiles in workgroup memory, for
// graphics cards: each element is loaded once for a whole tile of the result.
//   dw[e, f, d] += sum over the rows r of e of dy[r, f] x[row(r), d]
// Rows r are sorted by expert; row(r) is source[r] / K where params.gather is K, else r:
// `groupedMatmul.rows.wgsl`, which is appended.
// D and F are multiples of 4. `groupedMatmul.wgsl` is the plain twin, and sums in the same order; behind the last row
// stand zeros, which leave a sum as it is.
//
//   segments  [2 (E + 1)]  in      from `dispatch.wgsl`
//   source_R  [R]          in      from `dispatch.wgsl`
//   a         [R, F]       in      dy
//   b         [rows, D]    in      x
//   c         [E, F, D]    in/out  dw; added to where params.add is 1, else overwritten
//
// A workgroup does 64 rows and 64 QUADS columns of one expert's weight; a thread has two fours of rows and every
// SIDE-th four of columns. Workgroup memory holds DEPTH sorted rows of what is multiplied.
// Dispatch: ceil(D / (64 QUADS)) x ceil(F / 64) x E workgroups.

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

override QUADS = 1u; // fours of columns that a thread has, 1 or 2
const THREADS = 128u;
/// Threads along the columns and along the rows; fours of rows.
const SIDE = 16u;
const HALF = 8u;
const TALL = 16u;
const DEPTH = 16u;
override BROAD = QUADS * SIDE;
var<workgroup> aTile: array<vec4f, DEPTH * TALL>;
var<workgroup> bTile: array<vec4f, DEPTH * BROAD>;

/// Brings DEPTH rows from r on into workgroup memory, zeros past the expert's last; past the edges the last ones again.
fn bring(group: vec3u, local: u32, r: u32, end: u32) {
  let F4 = params.F / 4u;
  let D4 = params.D / 4u;
  for (var i = local; i < DEPTH * TALL; i += THREADS) {
    let row = r + i / TALL;
    var four = vec4f();
    if (row < end) { four = a[row * F4 + min(TALL * group.y + i % TALL, F4 - 1u)]; }
    aTile[i] = four;
  }
  for (var i = local; i < DEPTH * BROAD; i += THREADS) {
    let row = r + i / BROAD;
    var four = vec4f();
    if (row < end) { four = b[rowOf(row) * D4 + min(BROAD * group.x + i % BROAD, D4 - 1u)]; }
    bTile[i] = four;
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let e = group.z;
  let end = segments[e + 1u];
  let column = local % SIDE;
  let rows = local / SIDE;
  var sums: array<vec4f, 16>;
  for (var r = segments[e]; r < end; r += DEPTH) {
    bring(group, local, r, end);
    workgroupBarrier();
    for (var j = 0u; j < DEPTH; j++) {
      let low = aTile[j * TALL + rows];
      let high = aTile[j * TALL + HALF + rows];
      for (var q = 0u; q < QUADS; q++) {
        let x = bTile[j * BROAD + q * SIDE + column];
        for (var i = 0u; i < 4u; i++) {
          sums[8u * q + i] = fma(vec4f(low[i]), x, sums[8u * q + i]);
          sums[8u * q + 4u + i] = fma(vec4f(high[i]), x, sums[8u * q + 4u + i]);
        }
      }
    }
    workgroupBarrier();
  }
  let D4 = params.D / 4u;
  for (var i = 0u; i < 8u * QUADS; i++) {
    let f = 4u * (TALL * group.y + i % 8u / 4u * HALF + rows) + i % 4u;
    let d = BROAD * group.x + i / 8u * SIDE + column;
    let at = (e * params.F + f) * D4 + d;
    if (f < params.F && d < D4) { c[at] = sums[i] + select(vec4f(), c[at], params.add == 1u); }
  }
}
