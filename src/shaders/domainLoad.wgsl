// Rows of each expert by the domain of their token, for one mixture layer.
//   counts[row, m, e] += number of sorted rows r of expert e whose token source[r] / K is of domain m
//
//   segments, source_R  in   from `dispatch.wgsl`
//   domains_T  [T]      in   domain of each token, below M
//   counts     [L, M, E]  in/out  row params.row is this layer's
//
// One thread per domain and expert; it walks over the rows of its expert.
// Dispatch: ceil(M * E / THREADS) workgroups, spread over x and y.

struct Params {
  E: u32,
  M: u32,
  K: u32,
  row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<u32>;
@group(0) @binding(2) var<storage, read> source_R: array<u32>;
@group(0) @binding(3) var<storage, read> domains_T: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.M * params.E) { return; }
  let m = i / params.E;
  let e = i % params.E;
  var rows = 0u;
  for (var r = segments[e]; r < segments[e + 1u]; r++) {
    rows += select(0u, 1u, domains_T[source_R[r] / params.K] == m);
  }
  counts[params.row * params.M * params.E + i] += rows;
}
