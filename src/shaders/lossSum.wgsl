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
const SUMS = 5u;
const LARGEST = 4u; // of the five, the only one that is no sum
const LOWEST = -3.0e38;
var<workgroup> lanes: array<f32, THREADS>;

/// What is in losses[i], where it is to be added to.
fn before(i: u32) -> f32 {
  if (params.add == 1u) { return losses[i]; }
  return 0.0;
}

/// The sum of all threads' values, or the largest of them.
fn gathered(value: f32, lane: u32, isLargest: bool) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = lanes[lane + half];
      lanes[lane] = select(lanes[lane] + other, max(lanes[lane], other), isLargest);
    }
    workgroupBarrier();
  }
  let whole = lanes[0];
  workgroupBarrier();
  return whole;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  // Cross-entropy, squared log-sum-exp, valid tokens, logits; the largest logit.
  var found = array<f32, SUMS>(0.0, 0.0, 0.0, 0.0, LOWEST);
  for (var t = lane; t < params.T; t += THREADS) {
    if (targets_T[t] == IGNORED) { continue; }
    let stats = stats_T[t];
    found[0] += stats.w - stats.z;
    found[1] += stats.w * stats.w;
    found[2] += 1.0;
    found[3] += sums_T[t];
    found[4] = max(found[4], stats.x);
  }
  for (var i = 0u; i < SUMS; i++) { found[i] = gathered(found[i], lane, i == LARGEST); }
  if (lane > 0u) { return; }
  losses[0] = before(0u) + live.scale * found[0];
  losses[1] = before(1u) + live.scale * found[1];
  let isValid = found[2] > 0.0;
  let mean = select(0.0, found[0] / max(found[2], 1.0), isValid);
  losses[2] = before(2u) + mean;
  losses[3] = max(before(3u), mean); // a cross-entropy is never below 0
  let hadValid = before(4u) > 0.0;
  losses[4] = before(4u) + select(0.0, 1.0, isValid);
  let largest = select(found[4], max(found[4], before(5u)), hadValid);
  losses[5] = select(before(5u), largest, isValid);
  losses[6] = before(6u) + live.scale * found[3] / f32(params.V);
}
