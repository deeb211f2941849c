// Elementwise sum: y = a + b.
//
//   a, b  [N]  in
//   y     [N]  out
//
// One thread per four elements; the last thread may reach into the tensors' own padding.
// Dispatch: ceil(N4 / THREADS) workgroups, spread over x and y; N4 = ceil(N / 4).

struct Params {
  N4: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i < params.N4) { y[i] = a[i] + b[i]; }
}
