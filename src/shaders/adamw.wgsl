// AdamW, arXiv:1711.05101, algorithm 2, over a flat range of parameters; g: the clipped gradient.
//   m = beta1 m + (1 - beta1) g
//   v = beta2 v + (1 - beta2) g * g
//   w = w (1 - lr decay) - lr (m / correction1) / (sqrt(v / correction2) + eps)
// Decay is multiplied by the rate, as in PyTorch; the paper lets it follow the schedule alone.
//
//   weights    [N]  in/out
//   gradients  [N]  in      before clipping
//   moment1    [N]  in/out  m
//   moment2    [N]  in/out  v, never negative
//   clip       [4]  in      norm, scale, isHalted, unused; where halted, nothing is written
//
// live.correction1 and 2 are 1 - beta^n in the n-th step, n from 1.
// One thread per four elements; the last thread may reach into a tensor's own padding.
// Dispatch: ceil(N4 / THREADS) workgroups, spread over x and y; N4 = ceil(N / 4).

struct Params {
  N4: u32,
}

struct Live {
  lr: f32,
  beta1: f32,
  beta2: f32,
  eps: f32,
  weightDecay: f32,
  correction1: f32,
  correction2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> moment1: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> moment2: array<vec4f>;
@group(0) @binding(6) var<storage, read> clip: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.N4 || clip[2] != 0.0) { return; }
  let g = clip[1] * gradients[i];
  let m = live.beta1 * moment1[i] + (1.0 - live.beta1) * g;
  let v = live.beta2 * moment2[i] + (1.0 - live.beta2) * g * g;
  moment1[i] = m;
  moment2[i] = v;
  let direction = (m / live.correction1) / (sqrt(v / live.correction2) + live.eps);
  weights[i] = weights[i] * (1.0 - live.lr * live.weightDecay) - live.lr * direction;
}
