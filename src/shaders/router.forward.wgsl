// Router, forward pass, after the logits. Trinity, eq. 16-18:
//   s = sigmoid(logits);  selected = the K largest of s + bias;  gate = routeScale * s / sum of selected s
// The bias decides the choice and never enters a gate. Ties go to the lower expert.
//
//   logits_TE    [T, E]  in
//   bias_LE      [L, E]  in   row params.row is this layer's
//   scores_TE    [T, E]  out  sigmoid scores, without bias
//   scoreSum_T   [T]     out  sum over all experts, for the balance loss
//   selected_TK  [T, K]  out  expert ids, best choice first
//   gates_TK     [T, K]  out
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  E: u32,
  K: u32,
  row: u32,
  routeScale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits_TE: array<f32>;
@group(0) @binding(2) var<storage, read> bias_LE: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores_TE: array<f32>;
@group(0) @binding(4) var<storage, read_write> scoreSum_T: array<f32>;
@group(0) @binding(5) var<storage, read_write> selected_TK: array<u32>;
@group(0) @binding(6) var<storage, read_write> gates_TK: array<f32>;

const THREADS = 64u;
const TINY = 1e-20; // keeps the quotient finite where every selected score is 0

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let row = t * params.E;
  var total = 0.0;
  for (var e = 0u; e < params.E; e++) {
    let score = 1.0 / (1.0 + exp(-max(logits_TE[row + e], -80.0)));
    scores_TE[row + e] = score;
    total += score;
  }
  scoreSum_T[t] = total;

  // The next best choice is the largest one that comes after the last in the order (value down, index up).
  var lastValue = 3.0e38;
  var lastExpert = 0u;
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) {
    var bestValue = -3.0e38;
    var best = 0u;
    for (var e = 0u; e < params.E; e++) {
      let value = scores_TE[row + e] + bias_LE[params.row * params.E + e];
      let isAfter = value < lastValue || (value == lastValue && k > 0u && e > lastExpert);
      if (isAfter && value > bestValue) {
        bestValue = value;
        best = e;
      }
    }
    selected_TK[t * params.K + k] = best;
    sum += scores_TE[row + best];
    lastValue = bestValue;
    lastExpert = best;
  }
  for (var k = 0u; k < params.K; k++) {
    let at = t * params.K + k;
    gates_TK[at] = params.routeScale * scores_TE[row + selected_TK[at]] / (sum + TINY);
  }
}
