// Cross-entropy over chunks of the vocabulary, forward pass: folds one chunk of logits into the running
// statistics of every token. Online log-sum-exp: Milakov & Gimelshein 2018, arXiv:1805.02867.
//
//   logits_TV  [T, V]  in      logits of the vocabulary rows params.first .. params.first + V
//   targets_T  [T]     in      token to predict; 0xffffffff counts for nothing
//   stats_T    [T, 4]  in/out  largest logit, sum of exponentials relative to it, logit of the target,
//                              log-sum-exp (right after the last chunk)
//   sums_T     [T]     in/out  sum of all logits
//
// One workgroup per token; its threads stride over the chunk. Dispatch: T workgroups, spread over x and y.

struct Params {
  T: u32,
  V: u32,
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits_TV: array<f32>;
@group(0) @binding(2) var<storage, read> targets_T: array<u32>;
@group(0) @binding(3) var<storage, read_write> stats_T: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> sums_T: array<f32>;

const THREADS = 64u;
const LOWEST = -3.0e38;
var<workgroup> partial: array<vec3f, THREADS>; // (largest, sum of exponentials, sum of logits)

/// Two parts together.
fn merged(a: vec3f, b: vec3f) -> vec3f {
  let highest = max(a.x, b.x);
  return vec3f(highest, a.y * exp(a.x - highest) + b.y * exp(b.x - highest), a.z + b.z);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.y * groups.x + group.x;
  if (t >= params.T) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let row = t * params.V;
  var here = vec3f(LOWEST, 0.0, 0.0);
  for (var v = lane; v < params.V; v += THREADS) {
    let logit = logits_TV[row + v];
    here.x = max(here.x, logit);
    here.z += logit;
  }
  for (var v = lane; v < params.V; v += THREADS) { here.y += exp(logits_TV[row + v] - here.x); }
  partial[lane] = here;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] = merged(partial[lane], partial[lane + half]); }
    workgroupBarrier();
  }
  if (lane > 0u) { return; }
  var before = vec4f(LOWEST, 0.0, 0.0, 0.0);
  var sum = 0.0;
  if (params.first > 0u) {
    before = stats_T[t];
    sum = sums_T[t];
  }
  let both = merged(vec3f(before.xy, sum), partial[0]);
  let wanted = targets_T[t];
  var logit = before.z;
  if (wanted >= params.first && wanted - params.first < params.V) { logit = logits_TV[row + wanted - params.first]; }
  stats_T[t] = vec4f(both.xy, logit, both.x + log(both.y));
  sums_T[t] = both.z;
}
