// Router, backward pass. With s the scores, Z their sum over all experts, z their sum over the selected ones:
//   from the gates:     ds_i += routeScale (dgate_i / z - sum over selected of dgate_j s_j / z^2), i selected
//   balance loss:       ds_e += alpha / T (f_e / Z - sum over e' of f_e' s_e' / Z^2)     Trinity, eq. 29-32
//   through sigmoid:    dlogit = ds s (1 - s)
// f is the fraction of the sequence's choices that went to e, times E; no gradient goes through it.
//
//   scores_TE, scoreSum_T, selected_TK  in  as in the forward pass
//   dgates_TK    [T, K]  in
//   fraction_BE  [B, E]  in   f of each sequence
//   dlogits_TE   [T, E]  out
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  E: u32,
  K: u32,
  S: u32,
  routeScale: f32,
}

struct Live {
  alpha: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> scores_TE: array<f32>;
@group(0) @binding(3) var<storage, read> scoreSum_T: array<f32>;
@group(0) @binding(4) var<storage, read> selected_TK: array<u32>;
@group(0) @binding(5) var<storage, read> dgates_TK: array<f32>;
@group(0) @binding(6) var<storage, read> fraction_BE: array<f32>;
@group(0) @binding(7) var<storage, read_write> dlogits_TE: array<f32>;

const THREADS = 64u;
const TINY = 1e-20;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let row = t * params.E;
  let fractions = (t / params.S) * params.E;

  let total = scoreSum_T[t] + TINY;
  var weighted = 0.0;
  for (var e = 0u; e < params.E; e++) { weighted += fraction_BE[fractions + e] * scores_TE[row + e]; }
  let strength = live.alpha / f32(params.T);
  let pull = weighted / (total * total);
  for (var e = 0u; e < params.E; e++) {
    dlogits_TE[row + e] = strength * (fraction_BE[fractions + e] / total - pull);
  }

  var sum = TINY;
  var dot = 0.0;
  for (var k = 0u; k < params.K; k++) {
    let score = scores_TE[row + selected_TK[t * params.K + k]];
    sum += score;
    dot += dgates_TK[t * params.K + k] * score;
  }
  for (var k = 0u; k < params.K; k++) {
    let ds = params.routeScale * (dgates_TK[t * params.K + k] / sum - dot / (sum * sum));
    dlogits_TE[row + selected_TK[t * params.K + k]] += ds;
  }
  for (var e = 0u; e < params.E; e++) {
    let score = scores_TE[row + e];
    dlogits_TE[row + e] *= score * (1.0 - score);
  }
}
