// Copies a tensor into one of another element type: what is stored in 16 bits is rounded to nearest, ties to even.
//
//   x_N  [N]  in
//   y_N  [N]  out  as x; one of the two, or both, is stored in 16 bits (`gpu/storage.ts`)
//
// One thread per four elements; what stands behind the last one is padding. Dispatch: ceil(N4 / THREADS) workgroups,
// spread over x and y.

struct Params {
  N4: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_N: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y_N: array<vec4f>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i < params.N4) { y_N[i] = x_N[i]; }
}
