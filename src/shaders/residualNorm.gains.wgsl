// Gradients of the two gains of `residualNorm`, by chunks of tokens: the first stage of a sum over all of them.
//   dinner = sum over t of du * x * rstd(x),   douter = sum over t of dx * part * rstd(part)
//
//   x_TD, part_TD, rstd_T2  in   as in the forward pass
//   du_TD, dx_TD   [T, D]   in   finished gradients of u and x
//   sums_PN        [P, N]   out  of each chunk: dinner from column `inner` on, douter from `outer` on. Their columns
//                                reach to the next multiple of 64; those past D get 0
//
// One thread per column and chunk. Dispatch: ceil(D / THREADS) x P workgroups, x 2 where there is an outer gain.

struct Params {
  T: u32,
  D: u32,
  P: u32,
  N: u32,
  inner: u32,
  outer: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> part_TD: array<f32>;
@group(0) @binding(2) var<storage, read> x_TD: array<f32>;
@group(0) @binding(3) var<storage, read> rstd_T2: array<f32>;
@group(0) @binding(4) var<storage, read> du_TD: array<f32>;
@group(0) @binding(5) var<storage, read> dx_TD: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums_PN: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let d = group.x * THREADS + lane;
  let size = (params.T + params.P - 1u) / params.P;
  let end = select(0u, min(params.T, (group.y + 1u) * size), d < params.D);
  var sum = 0.0;
  if (group.z == 0u) {
    for (var t = group.y * size; t < end; t++) {
      let at = t * params.D + d;
      sum += du_TD[at] * x_TD[at] * rstd_T2[2u * t + 1u];
    }
  } else {
    for (var t = group.y * size; t < end; t++) {
      let at = t * params.D + d;
      sum += dx_TD[at] * part_TD[at] * rstd_T2[2u * t];
    }
  }
  sums_PN[group.y * params.N + select(params.outer, params.inner, group.z == 0u) + d] = sum;
}
