// Router, forward pass, after the logits. Trinity, eq. 16-18; softmax and raw gates: arXiv:2411.02265, 2.2.3.
//   s = sigmoid(logits) or softmax(logits);  selected = the K largest of s + bias
//   gate = routeScale * s / sum of selected s, or routeScale * s
// The bias decides the choice and never enters a gate. Ties go to the lower expert. Forced: experts are dealt out in
// turn, token after token, layer after layer one further.
//
//   logits_TE    [T, E]  in
//   bias_LE      [L, E]  in   row params.row is this layer's
//   scores_TE    [T, E]  out  scores, without bias
//   scoreSum_T   [T]     out  sum over all experts, for the balance loss
//   selected_TK  [T, K]  out  expert ids, best choice first
//   gates_TK     [T, K]  out
//   margin_T     [T]     out  selection score of the K-th choice minus that of the next; 0 where there is none
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
@group(0) @binding(2) var<storage, read> logits_TE: array<f32>;
@group(0) @binding(3) var<storage, read> bias_LE: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores_TE: array<f32>;
@group(0) @binding(5) var<storage, read_write> scoreSum_T: array<f32>;
@group(0) @binding(6) var<storage, read_write> selected_TK: array<u32>;
@group(0) @binding(7) var<storage, read_write> gates_TK: array<f32>;
@group(0) @binding(8) var<storage, read_write> margin_T: array<f32>;

const THREADS = 64u;
const TINY = 1e-20; // keeps the quotient finite where every selected score is 0
const LOWEST = -3.0e38;

/// Writes the scores of the token whose row starts at `row`; returns their sum.
fn score(row: u32) -> f32 {
  var total = 0.0;
  if (params.isSoftmax == 0u) {
    for (var e = 0u; e < params.E; e++) {
      let s = 1.0 / (1.0 + exp(-max(logits_TE[row + e], -80.0)));
      scores_TE[row + e] = s;
      total += s;
    }
    return total;
  }
  var highest = LOWEST;
  for (var e = 0u; e < params.E; e++) { highest = max(highest, logits_TE[row + e]); }
  for (var e = 0u; e < params.E; e++) { total += exp(logits_TE[row + e] - highest); }
  var sum = 0.0;
  for (var e = 0u; e < params.E; e++) {
    let s = exp(logits_TE[row + e] - highest) / total;
    scores_TE[row + e] = s;
    sum += s;
  }
  return sum;
}

struct Choice {
  value: f32,
  expert: u32,
}

/// The largest selection score that comes after `last` in the order (value down, index up).
fn nextBest(row: u32, last: Choice, isFirst: bool) -> Choice {
  var best = Choice(LOWEST, 0u);
  for (var e = 0u; e < params.E; e++) {
    let value = scores_TE[row + e] + bias_LE[params.row * params.E + e];
    let isAfter = isFirst || value < last.value || (value == last.value && e > last.expert);
    if (isAfter && value > best.value) { best = Choice(value, e); }
  }
  return best;
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
  scoreSum_T[t] = score(row);

  var last = Choice(LOWEST, 0u);
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) {
    last = nextBest(row, last, k == 0u);
    let expert = select(last.expert, (t * params.K + k + params.row) % params.E, live.isForced != 0u);
    selected_TK[t * params.K + k] = expert;
    sum += scores_TE[row + expert];
  }
  margin_T[t] = 0.0;
  if (params.K < params.E) { margin_T[t] = last.value - nextBest(row, last, false).value; }

  let share = select(params.routeScale, params.routeScale / (sum + TINY), params.isNormalised != 0u);
  for (var k = 0u; k < params.K; k++) {
    let at = t * params.K + k;
    gates_TK[at] = share * scores_TE[row + selected_TK[at]];
  }
}
