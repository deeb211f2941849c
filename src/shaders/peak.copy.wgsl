// Copies a buffer, sixteen bytes a thread: the bandwidth that no kernel can pass.
//
//   source  [N4]  in
//   copied  [N4]  out
//
// Dispatch: ceil(N4 / THREADS) workgroups, spread over x and y.

struct Params {
  N4: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> copied: array<vec4f>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i < params.N4) { copied[i] = source[i]; }
}
