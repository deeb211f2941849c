// Matrix product by broadcasts within a subgroup: every element of A and B is loaded once for a whole subgroup, for
// adapters whose loads cost more than their sums. One file for all three forms, told by TRANSPOSE_A and TRANSPOSE_B.
//   C[m, n] = sum over k of A[m, k] B[k, n]
// K and N are multiples of 4, and M too where A is transposed; `matmul.wgsl` is the plain twin. Every element of C is
// summed in the order of k.
//
//   a  [batch, M, K] or [batch, K, M]  in
//   b  [batch, K, N] or [batch, N, K]  in
//   c  [batch, M, N]                   in/out  added to where params.add is 1, else overwritten
//
// Threads of a workgroup lie side by side along the columns, four of them each, and share ROWS rows, whose elements lie
// spread over the first LANES invocations of a subgroup. Past the edge the last ones are repeated and not stored.
// Where params.symmetric is 1 the product equals its transpose: workgroups below the diagonal leave, those above it
// store twice.
// Dispatch: ceil(N / (4 WIDE)) x ceil(M / ROWS) x batch workgroups.

enable subgroups;

struct Params {
  M: u32,
  N: u32,
  K: u32,
  add: u32,
  symmetric: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;

override TRANSPOSE_A = 0u;
override TRANSPOSE_B = 0u;
/// Threads of a workgroup: those of a subgroup, or fewer.
override WIDE = 8u;
const THREADS = 8u;
/// Invocations that hold rows; no subgroup may have fewer.
const LANES = 8u;
const ROWS = 16u;
const PARTS = ROWS / LANES;

/// Row j is B[4 k4 + j, four columns].
fn fourOfB(start: u32, k4: u32, column4: u32) -> mat4x4f {
  if (TRANSPOSE_B == 1u) {
    let K4 = params.K / 4u;
    let at = start + 4u * column4 * K4 + k4;
    return transpose(mat4x4f(b[at], b[at + K4], b[at + 2u * K4], b[at + 3u * K4]));
  }
  let N4 = params.N / 4u;
  let at = start + 4u * k4 * N4 + column4;
  return mat4x4f(b[at], b[at + N4], b[at + 2u * N4], b[at + 3u * N4]);
}

/// Where an invocation's four of part i lie at k = 0: four k of row LANES i + lane, or, where A is transposed, four of
/// those rows at k = lane / 2.
fn startOfA(start: u32, m: u32, lane: u32) -> u32 {
  if (TRANSPOSE_A == 1u) {
    let M4 = params.M / 4u;
    return start + lane / 2u * M4 + min(m / 4u + lane % 2u, M4 - 1u);
  }
  return start + min(m + lane, params.M - 1u) * (params.K / 4u);
}

/// Row j is A[row j of the part, four k].
fn rowsOf(part: vec4f) -> array<vec4f, LANES> {
  let v0 = subgroupBroadcast(part, 0u);
  let v1 = subgroupBroadcast(part, 1u);
  let v2 = subgroupBroadcast(part, 2u);
  let v3 = subgroupBroadcast(part, 3u);
  let v4 = subgroupBroadcast(part, 4u);
  let v5 = subgroupBroadcast(part, 5u);
  let v6 = subgroupBroadcast(part, 6u);
  let v7 = subgroupBroadcast(part, 7u);
  if (TRANSPOSE_A == 0u) { return array(v0, v1, v2, v3, v4, v5, v6, v7); }
  let low = transpose(mat4x4f(v0, v2, v4, v6));
  let high = transpose(mat4x4f(v1, v3, v5, v7));
  return array(low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]);
}

/// Four rows of four columns, across the diagonal.
fn mirror(batch: u32, m: u32, column4: u32, rows: mat4x4f) {
  let columns = transpose(rows);
  for (var j = 0u; j < 4u; j++) { c[((batch * params.N + 4u * column4 + j) * params.N + m) / 4u] = columns[j]; }
}

@compute @workgroup_size(WIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let N4 = params.N / 4u;
  let K4 = params.K / 4u;
  let m = ROWS * group.y;
  let diagonal = m / (4u * WIDE);
  if (params.symmetric == 1u && group.x < diagonal) { return; }
  let column = WIDE * group.x + local;
  let aStart = group.z * params.M * K4;
  let bStart = group.z * params.N * K4;
  let aStep = select(1u, params.M, TRANSPOSE_A == 1u);
  var aAt: array<u32, PARTS>;
  for (var i = 0u; i < PARTS; i++) { aAt[i] = startOfA(aStart, m + LANES * i, invocation % LANES); }
  var sum: array<vec4f, ROWS>;
  for (var k = 0u; k < K4; k++) {
    let four = fourOfB(bStart, k, min(column, N4 - 1u));
    var part: array<vec4f, PARTS>;
    for (var i = 0u; i < PARTS; i++) { part[i] = a[aAt[i] + k * aStep]; }
    for (var i = 0u; i < PARTS; i++) {
      let rows = rowsOf(part[i]);
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
  let end = min(m + ROWS, params.M);
  for (var r = m; r < end; r++) {
    let at = (group.z * params.M + r) * N4 + column;
    c[at] = sum[r - m] + select(vec4f(), c[at], params.add == 1u);
  }
  if (params.symmetric == 0u || group.x == diagonal) { return; }
  for (var r = m; r < end; r += 4u) {
    let i = r - m;
    mirror(group.z, r, column, mat4x4f(sum[i], sum[i + 1u], sum[i + 2u], sum[i + 3u]));
  }
}
