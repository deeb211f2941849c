// Global gradient norm and what clipping makes of it, in two stages of fixed order.
//   norm  = sqrt(sum of g * g over all gradients)
//   scale = min(1, limit / (norm + 1e-6));   1 where limit is 0, 0 once the run is halted
// The rule of arXiv:1211.5063, algorithm 1, with a 1e-6 under the bar that keeps norm 0 finite.
//
//   gradients  [N]  in      one flat tensor of gradients (`sumSquares`)
//   partial    [P]  in/out  sums of squares; this dispatch writes its own from params.first on
//   clip       [4]  in/out  norm, scale, isHalted (0 or 1), unused (`total`)
//
// isHalted turns 1 with the first norm that is not finite and stays 1 until the host writes 0: the
// optimizer leaves everything as it is meanwhile, so the weights of the last good step survive.
//
// sumSquares: workgroups stride over N, one partial each.  Dispatch: any number of workgroups on x.
// total:      one workgroup strides over N partials.        Dispatch: 1 workgroup.

struct Params {
  N: u32,
  first: u32,
}

struct Live {
  limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<storage, read_write> clip: array<f32>;

const THREADS = 64u;
const CLIP_EPS = 1e-6;
const EXPONENT = 0x7f800000u;
var<workgroup> lanes: array<f32, THREADS>;

/// The sum over all threads of the workgroup, in `lanes[0]`.
fn reduce(value: f32, lane: u32) {
  lanes[lane] = value;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] += lanes[lane + half]; }
    workgroupBarrier();
  }
}

@compute @workgroup_size(THREADS)
fn sumSquares(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var sum = 0.0;
  for (var i = group.x * THREADS + lane; i < params.N; i += groups.x * THREADS) {
    sum += gradients[i] * gradients[i];
  }
  reduce(sum, lane);
  if (lane == 0u) { partial[params.first + group.x] = lanes[0]; }
}

@compute @workgroup_size(THREADS)
fn total(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.N; i += THREADS) { sum += partial[i]; }
  reduce(sum, lane);
  if (lane != 0u) { return; }
  // Bits, since compilers may assume that no float is NaN and drop a comparison.
  let isFinite = (bitcast<u32>(lanes[0]) & EXPONENT) != EXPONENT;
  let isHalted = !isFinite || clip[2] != 0.0;
  let norm = sqrt(lanes[0]);
  let isClipped = live.limit > 0.0 && norm + CLIP_EPS > live.limit;
  clip[0] = norm;
  clip[1] = select(select(1.0, live.limit / (norm + CLIP_EPS), isClipped), 0.0, isHalted);
  clip[2] = select(0.0, 1.0, isHalted);
}
