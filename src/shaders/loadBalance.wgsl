// Moves the selection biases of the routers towards equal load, once a step. With n_e the tokens of
// expert e and n their mean over the layer (Trinity, arXiv:2602.17004):
//   sign   (eq. 19-22):  b += gamma sign(n - n_e);  b -= mean(b) where live.recentre is 1 (eq. 22)
//   smebu  (eq. 23-28):  d = lambda tanh(kappa (n - n_e) / n);  d -= mean(d)
//                        m = beta m + (1 - beta) d;  b += m
//   none, forced:        b and m stay
//
//   counts_LE    [L, E]  in      tokens routed to each expert in this step (u32)
//   bias_LE      [L, E]  in/out  b
//   momentum_LE  [L, E]  in/out  m; only smebu touches it
//   update_LE    [L, E]  out     what was added to the bias; 0 where it stays
//   clip         [4]     in      norm, scale, isHalted, unused; where halted, nothing is written
//
// One workgroup per layer. Dispatch: L workgroups, spread over x and y.

struct Params {
  L: u32,
  E: u32,
}

struct Live {
  kind: u32,
  gamma: f32,
  recentre: u32,
  lambda: f32,
  beta: f32,
  kappa: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> counts_LE: array<u32>;
@group(0) @binding(3) var<storage, read_write> bias_LE: array<f32>;
@group(0) @binding(4) var<storage, read_write> momentum_LE: array<f32>;
@group(0) @binding(5) var<storage, read_write> update_LE: array<f32>;
@group(0) @binding(6) var<storage, read> clip: array<f32>;

const THREADS = 64u;
const NONE = 0u;
const SIGN = 1u;
const FORCED = 3u;
// tanh is 1 in f32 from 9 on; some drivers compute it from exp(2x), which overflows further out.
const SATURATED = 10.0;
var<workgroup> tokens: array<u32, THREADS>;
var<workgroup> sums: array<f32, THREADS>;

/// All tokens of the layer, the same in every thread.
fn totalTokens(row: u32, lane: u32) -> u32 {
  var sum = 0u;
  for (var e = lane; e < params.E; e += THREADS) { sum += counts_LE[row + e]; }
  tokens[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { tokens[lane] += tokens[lane + half]; }
    workgroupBarrier();
  }
  return tokens[0];
}

/// mean - count. The whole part is integer arithmetic, so equal load gives exactly 0.
fn shortfall(count: u32, total: u32) -> f32 {
  return f32(i32(total / params.E) - i32(count)) + f32(total % params.E) / f32(params.E);
}

/// The step that an expert asks for, before centring.
fn wanted(count: u32, total: u32) -> f32 {
  let missing = shortfall(count, total);
  if (live.kind == SIGN) { return live.gamma * sign(missing); }
  if (total == 0u) { return 0.0; } // 0 / 0 is whatever the driver makes of it
  let violation = missing * f32(params.E) / f32(total);
  return live.lambda * tanh(clamp(live.kappa * violation, -SATURATED, SATURATED));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let layer = group.y * groups.x + group.x;
  // The whole workgroup leaves in both cases, so the barriers below stay uniform.
  if (layer >= params.L || clip[2] != 0.0) { return; }
  let row = layer * params.E;
  if (live.kind == NONE || live.kind == FORCED) {
    for (var e = lane; e < params.E; e += THREADS) { update_LE[row + e] = 0.0; }
    return;
  }

  let total = totalTokens(row, lane);
  var sum = 0.0;
  for (var e = lane; e < params.E; e += THREADS) {
    let delta = wanted(counts_LE[row + e], total);
    update_LE[row + e] = delta;
    sum += delta + select(0.0, bias_LE[row + e], live.kind == SIGN);
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }

  let isCentred = live.kind != SIGN || live.recentre == 1u;
  let mean = select(0.0, sums[0] / f32(params.E), isCentred);
  for (var e = lane; e < params.E; e += THREADS) {
    var update = update_LE[row + e] - mean;
    if (live.kind != SIGN) {
      update = live.beta * momentum_LE[row + e] + (1.0 - live.beta) * update;
      momentum_LE[row + e] = update;
    }
    bias_LE[row + e] += update;
    update_LE[row + e] = update;
  }
}
