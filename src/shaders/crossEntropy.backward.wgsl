// Cross-entropy and z-loss, backward pass: turns one chunk of logits into their gradient, in place.
//   loss = scale * sum over valid tokens of (lse - logit of the target) + z lse^2
//   dlogit = scale * (p (1 + 2 z lse) - [v is the target]),  p = exp(logit - lse)
// z-loss: Trinity, 3.3 and 6.
//
//   targets_T  [T]     in
//   stats_T    [T, 4]  in      from the forward pass, all chunks folded in
//   logits_TV  [T, V]  in/out  logits of the chunk, then their gradient
//
// One thread per element. Dispatch: ceil(T * V / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  V: u32,
  first: u32,
}

struct Live {
  scale: f32,
  z: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> targets_T: array<u32>;
@group(0) @binding(3) var<storage, read> stats_T: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> logits_TV: array<f32>;

const THREADS = 64u;
const IGNORED = 0xffffffffu;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.V) { return; }
  let t = i / params.V;
  let wanted = targets_T[t];
  let lse = stats_T[t].w;
  let p = exp(logits_TV[i] - lse);
  let hit = select(0.0, 1.0, wanted == params.first + i % params.V);
  let gradient = live.scale * (p * (1.0 + 2.0 * live.z * lse) - hit);
  logits_TV[i] = select(gradient, 0.0, wanted == IGNORED);
}
