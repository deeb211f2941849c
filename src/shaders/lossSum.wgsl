// Sums of the loss over the valid tokens of a micro-batch, into the losses of the whole step.
//   losses[0] (+)= live.scale * sum of (lse - logit), live.scale being one over the valid tokens of the step
//   losses[1] (+)= live.scale * sum of lse^2
//   losses[2] (+)= own mean of (lse - logit),  losses[3] = the largest of them,  losses[4] (+)= 1
//   losses[5] = the largest logit,             losses[6] (+)= live.scale * sum of the tokens' mean logits
// 2 to 5 change only where the micro-batch has a valid token; 2 to 4 are for BatchHet (Trinity, eq. 40).
//
//   targets_T  [T]     in
//   stats_T    [T, 4]  in      from `crossEntropy.forward.wgsl`
//   sums_T     [T]     in      all logits of a token added up, from there too
//   losses     [8]     in/out  added to where params.add is 1, else overwritten
//
// One workgroup; each thread adds up its tokens in order, then a tree. Dispatch: 1 workgroup.

struct Params {
  T: u32,
  V: u32,
  add: u32,
}

struct Live {
  scale: f32,
  z: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> targets_T: array<u32>;
@group(0) @binding(3) var<storage, read> stats_T: array<vec4f>;
@group(0) @binding(4) var<storage, read> sums_T: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;

const THREADS = 64u;
const IGNORED = 0xffffffffu;
const LOWEST = -3.0e38;
var<workgroup> partial: array<vec3f, THREADS>; // (cross-entropy, squared log-sum-exp, valid tokens)
var<workgroup> logits: array<vec2f, THREADS>; // (largest, sum)

/// What is in losses[i], where it is to be added to.
fn before(i: u32) -> f32 {
  if (params.add == 1u) { return losses[i]; }
  return 0.0;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec3f();
  var logit = vec2f(LOWEST, 0.0);
  for (var t = lane; t < params.T; t += THREADS) {
    if (targets_T[t] == IGNORED) { continue; }
    let stats = stats_T[t];
    sum += vec3f(stats.w - stats.z, stats.w * stats.w, 1.0);
    logit = vec2f(max(logit.x, stats.x), logit.y + sums_T[t]);
  }
  partial[lane] = sum;
  logits[lane] = logit;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[lane] += partial[lane + half];
      logits[lane] = vec2f(max(logits[lane].x, logits[lane + half].x), logits[lane].y + logits[lane + half].y);
    }
    workgroupBarrier();
  }
  if (lane > 0u) { return; }
  let whole = partial[0];
  losses[0] = before(0u) + live.scale * whole.x;
  losses[1] = before(1u) + live.scale * whole.y;
  let isValid = whole.z > 0.0;
  let mean = select(0.0, whole.x / max(whole.z, 1.0), isValid);
  losses[2] = before(2u) + mean;
  losses[3] = max(before(3u), mean); // a cross-entropy is never below 0
  let hadValid = before(4u) > 0.0;
  losses[4] = before(4u) + select(0.0, 1.0, isValid);
  let largest = select(logits[0].x, max(logits[0].x, before(5u)), hadValid);
  losses[5] = select(before(5u), largest, isValid);
  losses[6] = before(6u) + live.scale * logits[0].y / f32(params.V);
}
