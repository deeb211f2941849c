// Grouped matrix product over the rows of each expert, plain: the check of the faster ones, which sum in the same
// order.
//   forward: y[r, f] = sum over d of x[row(r), d] w[e, f, d]
//   dx:      dx[r, d] = sum over f of dy[r, f] w[e, f, d]
//   dw:      dw[e, f, d] += sum over the rows r of e of dy[r, f] x[row(r), d]
// Rows r are sorted by expert, e is the expert of r; row(r) is source[r] / K where params.gather is K, else r.
// Both are found by `groupedMatmul.rows.wgsl`, which is appended.
//
//   segments  [2 (E + 1)]       in      from `dispatch.wgsl`
//   source_R  [R]               in      from `dispatch.wgsl`
//   a, b      forward: x, w;  dx: dy, w;  dw: dy, x
//   c         forward: y [R, F];  dx: [R, D];  dw: [E, F, D];  added to where params.add is 1, else overwritten
//
// One thread per element of the result. Dispatch, workgroups of 8 x 8 threads:
// forward, dx: columns x rows (spread over y and z); dw: D x F x E.

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
@group(0) @binding(4) var<storage, read> b: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

const THREADS = 64u;
const SIDE = 8u;

fn store(at: u32, value: f32) {
  c[at] = value + select(0.0, c[at], params.add == 1u);
}

@compute @workgroup_size(SIDE, SIDE)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let r = (group.z * groups.y + group.y) * SIDE + local.y;
  let f = group.x * SIDE + local.x;
  if (r >= params.R || f >= params.F) { return; }
  let weight = (expertAt(r, 0u) * params.F + f) * params.D;
  let row = rowOf(r) * params.D;
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) { sum = fma(a[row + d], b[weight + d], sum); }
  store(r * params.F + f, sum);
}

@compute @workgroup_size(SIDE, SIDE)
fn dx(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let r = (group.z * groups.y + group.y) * SIDE + local.y;
  let d = group.x * SIDE + local.x;
  if (r >= params.R || d >= params.D) { return; }
  let weight = expertAt(r, 0u) * params.F * params.D + d;
  var sum = 0.0;
  for (var f = 0u; f < params.F; f++) { sum = fma(a[r * params.F + f], b[weight + f * params.D], sum); }
  store(r * params.D + d, sum);
}

@compute @workgroup_size(SIDE, SIDE)
fn dw(@builtin(global_invocation_id) id: vec3u) {
  let d = id.x;
  let f = id.y;
  let e = id.z;
  if (d >= params.D || f >= params.F) { return; }
  var sum = 0.0;
  for (var r = segments[e]; r < segments[e + 1u]; r++) {
    sum = fma(a[r * params.F + f], b[rowOf(r) * params.D + d], sum);
  }
  store((e * params.F + f) * params.D + d, sum);
}
