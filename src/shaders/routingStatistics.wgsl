// What the routing of a mixture layer was like. With s the scores of a sequence of S tokens:
//   f_e = E / (K S) * number of choices of e,  P_e = mean over tokens of s_e / sum of s
//   sequence-wise balance loss = sum over e of f_e P_e                                 Trinity, eq. 29-32
//   margin = mean over tokens of the K-th best selection score minus the next one
//
//   scores_TE       [T, E]     in
//   scoreSum_T      [T]        in
//   selected_TK     [T, K]     in
//   margin_T        [T]        in
//   fraction_BE     [B, E]     out  f, for the backward pass
//   meanScore_LBE   [L, B, E]  out  row params.row
//   statistics_LB2  [L, B, 2]  out  loss and margin, row params.row
//
// One workgroup per sequence; a thread takes every THREADS-th expert, then every THREADS-th token.
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
@group(0) @binding(4) var<storage, read> margin_T: array<f32>;
@group(0) @binding(5) var<storage, read_write> fraction_BE: array<f32>;
@group(0) @binding(6) var<storage, read_write> meanScore_LBE: array<f32>;
@group(0) @binding(7) var<storage, read_write> statistics_LB2: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<vec2f, THREADS>;

/// The sum over all threads, the same in each.
fn total(own: vec2f, lane: u32) -> vec2f {
  partial[lane] = own;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0];
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = group.y * groups.x + group.x;
  if (b >= params.B) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let first = b * params.S;
  let row = params.row * params.B + b;
  var loss = 0.0;
  for (var e = lane; e < params.E; e += THREADS) {
    var choices = 0u;
    for (var i = first * params.K; i < (first + params.S) * params.K; i++) {
      choices += select(0u, 1u, selected_TK[i] == e);
    }
    var share = 0.0;
    var sum = 0.0;
    for (var t = first; t < first + params.S; t++) {
      let score = scores_TE[t * params.E + e];
      share += score / scoreSum_T[t];
      sum += score;
    }
    let fraction = f32(params.E) * f32(choices) / f32(params.K * params.S);
    fraction_BE[b * params.E + e] = fraction;
    meanScore_LBE[row * params.E + e] = sum / f32(params.S);
    loss += fraction * share / f32(params.S);
  }
  var margin = 0.0;
  for (var t = first + lane; t < first + params.S; t += THREADS) { margin += margin_T[t]; }
  let sums = total(vec2f(loss, margin), lane);
  if (lane == 0u) {
    statistics_LB2[2u * row] = sums.x;
    statistics_LB2[2u * row + 1u] = sums.y / f32(params.S);
  }
}
