// Adds counts to counts: what the micro-batches of a step gave, one after the other.
//   total[n] += counts[n]
//
//   counts_N  [N]  in
//   total_N   [N]  in/out
//
// One thread per element. Dispatch: ceil(N / THREADS) workgroups, spread over x and y.

struct Params {
  N: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts_N: array<u32>;
@group(0) @binding(2) var<storage, read_write> total_N: array<u32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = (group.y * groups.x + group.x) * THREADS + lane;
  if (n >= params.N) { return; }
  total_N[n] += counts_N[n];
}
