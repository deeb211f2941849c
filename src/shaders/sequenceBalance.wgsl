// Sequence-wise balance loss of one mixture layer, without its weight. Trinity, eq. 29-32, for a sequence of S tokens:
//   f_e = E / (K S) * number of choices of e,  P_e = mean over tokens of s_e / sum of s,  loss = sum over e of f_e P_e
//
//   scores_TE    [T, E]  in
//   scoreSum_T   [T]     in
//   selected_TK  [T, K]  in
//   fraction_BE  [B, E]  out  f, for the backward pass
//   loss_LB      [L, B]  out  row params.row is this layer's
//
// One workgroup per sequence; a thread takes every THREADS-th expert and walks over the tokens in order.
// Dispatch: B workgroups, spread over x and y.

struct Params {
  B: u32,
  S: u32,
  E: u32,
  K: u32,
  row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores_TE: array<f32>;
@group(0) @binding(2) var<storage, read> scoreSum_T: array<f32>;
@group(0) @binding(3) var<storage, read> selected_TK: array<u32>;
@group(0) @binding(4) var<storage, read_write> fraction_BE: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss_LB: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = group.y * groups.x + group.x;
  if (b >= params.B) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let first = b * params.S;
  var loss = 0.0;
  for (var e = lane; e < params.E; e += THREADS) {
    var choices = 0u;
    for (var i = first * params.K; i < (first + params.S) * params.K; i++) {
      choices += select(0u, 1u, selected_TK[i] == e);
    }
    var share = 0.0;
    for (var t = first; t < first + params.S; t++) { share += scores_TE[t * params.E + e] / scoreSum_T[t]; }
    let fraction = f32(params.E) * f32(choices) / f32(params.K * params.S);
    fraction_BE[b * params.E + e] = fraction;
    loss += fraction * share / f32(params.S);
  }
  partial[lane] = loss;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { loss_LB[params.row * params.B + b] = partial[0]; }
}
