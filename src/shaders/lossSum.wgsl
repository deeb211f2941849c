// Sums of the loss over the valid tokens of a batch, times live.scale (one over their number).
//   losses[0] = cross-entropy,  losses[1] = mean of the squared log-sum-exp
//
//   targets_T  [T]     in
//   stats_T    [T, 4]  in   from `crossEntropy.forward.wgsl`
//   losses     [2]     out
//
// One workgroup; each thread adds up its tokens in order, then a tree. Dispatch: 1 workgroup.

struct Params {
  T: u32,
}

struct Live {
  scale: f32,
  z: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> targets_T: array<u32>;
@group(0) @binding(3) var<storage, read> stats_T: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

const THREADS = 256u;
const IGNORED = 0xffffffffu;
var<workgroup> partial: array<vec2f, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f();
  for (var t = lane; t < params.T; t += THREADS) {
    if (targets_T[t] == IGNORED) { continue; }
    let stats = stats_T[t];
    sum += vec2f(stats.w - stats.z, stats.w * stats.w);
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    losses[0] = live.scale * partial[0].x;
    losses[1] = live.scale * partial[0].y;
  }
}
