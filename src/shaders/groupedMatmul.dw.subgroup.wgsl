// Grouped matrix product over the rows of each expert, gradient of the weights, by broadcasts within a subgroup: every
// element is loaded once for a whole subgroup.
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
// Threads of a workgroup lie side by side along d, four each, and share ROWS of f. Eight of them are a part of
// `matmul.parts.wgsl`, which is appended too. They walk over the expert's rows four at a time; those behind the last
// count as zeros, which leave a sum as it is.
// Dispatch: ceil(D / (4 WIDE)) x ceil(F / ROWS) x E workgroups.

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
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

/// Threads of a workgroup: those of a subgroup, or fewer.
override WIDE = 8u;
const THREADS = 8u;
/// Invocations that hold rows; no subgroup may have fewer.
const LANES = 8u;
/// How `matmul.parts.wgsl` finds a part.
const TRANSPOSE_A = 1u;
override ROWS = 16u; // of f in a workgroup, 16 or 32

/// Stores the part of row f.
fn finish(sums: ptr<function, array<vec4f, LANES>>, e: u32, f: u32, column4: u32) {
  // A count that is not known beforehand keeps compilers from writing the stores out, which takes some of them seconds.
  let last = min(f + LANES, params.F);
  for (var i = f; i < last; i++) {
    let at = (e * params.F + i) * (params.D / 4u) + column4;
    c[at] = (*sums)[i - f] + select(vec4f(), c[at], params.add == 1u);
  }
}

@compute @workgroup_size(WIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let e = group.z;
  let D4 = params.D / 4u;
  let F4 = params.F / 4u;
  let f = ROWS * group.y;
  let column = WIDE * group.x + local;
  let d = min(column, D4 - 1u);
  let lane = invocation % LANES;
  let end = segments[e + 1u];
  // Of each part an invocation holds four of its f, at row r + lane / 2.
  let own4 = min((f + LANES * vec4u(0u, 1u, 2u, 3u)) / 4u + lane % 2u, vec4u(F4 - 1u));
  var sums0: array<vec4f, LANES>;
  var sums1: array<vec4f, LANES>;
  var sums2: array<vec4f, LANES>;
  var sums3: array<vec4f, LANES>;
  for (var r = segments[e]; r < end; r += 4u) {
    let row = rowOf(min(r + lane % 4u, end - 1u));
    let b0 = b[subgroupBroadcast(row, 0u) * D4 + d];
    let b1 = b[subgroupBroadcast(row, 1u) * D4 + d];
    let b2 = b[subgroupBroadcast(row, 2u) * D4 + d];
    let b3 = b[subgroupBroadcast(row, 3u) * D4 + d];
    let four = mat4x4f(b0, b1, b2, b3);
    let own = r + lane / 2u;
    let at = min(own, end - 1u) * F4 + own4;
    let isThere = own < end;
    let part0 = select(vec4f(), a[at.x], isThere);
    let part1 = select(vec4f(), a[at.y], isThere);
    if (ROWS > 16u) {
      let part2 = select(vec4f(), a[at.z], isThere);
      let part3 = select(vec4f(), a[at.w], isThere);
      accumulate(&sums2, part2, four);
      accumulate(&sums3, part3, four);
    }
    accumulate(&sums0, part0, four);
    accumulate(&sums1, part1, four);
  }
  if (column >= D4) { return; }
  finish(&sums0, e, f, column);
  finish(&sums1, e, f + LANES, column);
  if (ROWS > 16u) {
    finish(&sums2, e, f + 2u * LANES, column);
    finish(&sums3, e, f + 3u * LANES, column);
  }
}
