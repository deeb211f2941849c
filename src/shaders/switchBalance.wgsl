// Balance loss of every layer over all T = B S tokens of a pass, without its weight:
//   E * sum over e of counts_e / T * mean over tokens of s_e                     arXiv:2101.03961, eq. 4
//
//   counts_LE       [L, E]     in   choices of each expert
//   meanScore_LBE   [L, B, E]  in   mean score of each expert in each sequence
//   switch_L        [L]        out
//
// One workgroup per layer; a thread takes every THREADS-th expert. Dispatch: L workgroups, spread over x and y.

struct Params {
  L: u32,
  B: u32,
  S: u32,
  E: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts_LE: array<u32>;
@group(0) @binding(2) var<storage, read> meanScore_LBE: array<f32>;
@group(0) @binding(3) var<storage, read_write> switch_L: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let layer = group.y * groups.x + group.x;
  if (layer >= params.L) { return; }
  let tokens = f32(params.B * params.S);
  var loss = 0.0;
  for (var e = lane; e < params.E; e += THREADS) {
    var score = 0.0;
    for (var b = 0u; b < params.B; b++) { score += meanScore_LBE[(layer * params.B + b) * params.E + e]; }
    loss += f32(counts_LE[layer * params.E + e]) / tokens * score / f32(params.B);
  }
  partial[lane] = loss;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { switch_L[layer] = f32(params.E) * partial[0]; }
}
