// Router, backward pass. With s the scores, Z their sum over all experts, z their sum over the selected ones:
//   normalised gates:   ds_i += routeScale (dgate_i / z - sum over selected of dgate_j s_j / z^2), i selected
//   raw gates:          ds_i += routeScale dgate_i
//   sequence balance:   ds_e += alpha / T (f_e / Z - sum over e' of f_e' s_e' / Z^2)     Trinity, eq. 29-32
//   switch balance:     ds_e += switchWeight E counts_e / T^2                            arXiv:2101.03961, eq. 4
//   through sigmoid:    dlogit = ds s (1 - s)
//   through softmax:    dlogit = s (ds - sum over e' of ds_e' s_e')
// f is the fraction of the sequence's choices that went to e, times E; no gradient goes through it or the counts.
//
//   scores_TE, scoreSum_T  in  as in the forward pass
//   selected_TK, gates_TK  in  where the tokens went in the end; gate 0 where they went nowhere
//   dgates_TK    [T, K]  in
//   fraction_BE  [B, E]  in   f of each sequence
//   counts_LE    [L, E]  in   choices of each expert, row params.row
//   dlogits_TE   [T, E]  out
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  E: u32,
  K: u32,
  S: u32,
  row: u32,
  isSoftmax: u32,
  isNormalised: u32,
  routeScale: f32,
}

struct Live {
  alpha: f32,
  switchWeight: f32,
  isForced: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> scores_TE: array<f32>;
@group(0) @binding(3) var<storage, read> scoreSum_T: array<f32>;
@group(0) @binding(4) var<storage, read> selected_TK: array<u32>;
@group(0) @binding(5) var<storage, read> gates_TK: array<f32>;
@group(0) @binding(6) var<storage, read> dgates_TK: array<f32>;
@group(0) @binding(7) var<storage, read> fraction_BE: array<f32>;
@group(0) @binding(8) var<storage, read> counts_LE: array<u32>;
@group(0) @binding(9) var<storage, read_write> dlogits_TE: array<f32>;

const THREADS = 64u;
const TINY = 1e-20;

/// What both balance losses ask of the scores of token t.
fn balance(t: u32, row: u32) {
  let fractions = (t / params.S) * params.E;
  let total = scoreSum_T[t] + TINY;
  var weighted = 0.0;
  for (var e = 0u; e < params.E; e++) { weighted += fraction_BE[fractions + e] * scores_TE[row + e]; }
  let tokens = f32(params.T);
  let strength = live.alpha / tokens;
  let pull = weighted / (total * total);
  let even = live.switchWeight * f32(params.E) / tokens;
  for (var e = 0u; e < params.E; e++) {
    let load = f32(counts_LE[params.row * params.E + e]) / tokens;
    dlogits_TE[row + e] = strength * (fraction_BE[fractions + e] / total - pull) + even * load;
  }
}

/// What the gates ask of the scores of the experts that token t went to.
fn gates(t: u32, row: u32) {
  var sum = TINY;
  var dot = 0.0;
  for (var k = 0u; k < params.K; k++) {
    let score = scores_TE[row + selected_TK[t * params.K + k]];
    sum += score;
    dot += dgates_TK[t * params.K + k] * score;
  }
  for (var k = 0u; k < params.K; k++) {
    let at = t * params.K + k;
    if (gates_TK[at] == 0.0) { continue; }
    let share = dgates_TK[at] / sum - dot / (sum * sum);
    dlogits_TE[row + selected_TK[at]] += params.routeScale * select(dgates_TK[at], share, params.isNormalised != 0u);
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let row = t * params.E;
  balance(t, row);
  gates(t, row);

  var mean = 0.0;
  for (var e = 0u; e < params.E; e++) { mean += dlogits_TE[row + e] * scores_TE[row + e]; }
  for (var e = 0u; e < params.E; e++) {
    let s = scores_TE[row + e];
    let ds = dlogits_TE[row + e];
    dlogits_TE[row + e] = select(ds * s * (1.0 - s), s * (ds - mean), params.isSoftmax != 0u);
  }
}
