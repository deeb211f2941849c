// Attention, what the backward pass needs of each query: (lse, delta) with delta = dy . y.
// Dao et al. 2022, arXiv:2205.14135, algorithm 4, line 19.
//
//   y_TH, dy_TH  [T, H * C]  in   output of the forward pass and its gradient
//   lse_TH       [T, H]      in
//   stats_TH     [T, H, 2]   out
//
// `fours` sums as the backward pass in fours does, to the bit: a query that sees one key then has exactly no gradient.
// One thread per query and head. Dispatch: ceil(T * H / THREADS) workgroups, spread over x and y.

struct Params {
  rows: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y_TH: array<f32>;
@group(0) @binding(2) var<storage, read> dy_TH: array<f32>;
@group(0) @binding(3) var<storage, read> lse_TH: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats_TH: array<vec2f>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn fours(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.rows) { return; }
  var delta = 0.0;
  for (var c = i * params.C; c < (i + 1u) * params.C; c += 4u) {
    let y = vec4f(y_TH[c], y_TH[c + 1u], y_TH[c + 2u], y_TH[c + 3u]);
    delta += dot(vec4f(dy_TH[c], dy_TH[c + 1u], dy_TH[c + 2u], dy_TH[c + 3u]), y);
  }
  stats_TH[i] = vec2f(lse_TH[i], delta);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.rows) { return; }
  var delta = 0.0;
  for (var c = i * params.C; c < (i + 1u) * params.C; c++) { delta += y_TH[c] * dy_TH[c]; }
  stats_TH[i] = vec2f(lse_TH[i], delta);
}
