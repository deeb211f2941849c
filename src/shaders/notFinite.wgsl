// How many elements are not finite (infinite or NaN), told by their bits: the exponent is all ones.
// For the diagnosis after a run has stopped; not part of a step.
//
//   x        [N]  in      float32, read as its bits (`count`)
//   partial  [P]  in/out  count of each workgroup
//   flag     [1]  out     the count, u32 (`total`)
//
// count: workgroups stride over N, one partial each.  Dispatch: P workgroups on x.
// total: one workgroup.                                Dispatch: 1 workgroup.

struct Params {
  N: u32,
  P: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<u32>;
@group(0) @binding(3) var<storage, read_write> flag: array<u32>;

const THREADS = 256u;
const EXPONENT = 0x7f800000u;
var<workgroup> lanes: array<u32, THREADS>;

/// The sum over all threads of the workgroup, in `lanes[0]`.
fn reduce(value: u32, lane: u32) {
  lanes[lane] = value;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] += lanes[lane + half]; }
    workgroupBarrier();
  }
}

@compute @workgroup_size(THREADS)
fn count(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = 0u;
  for (var i = group.x * THREADS + lane; i < params.N; i += params.P * THREADS) {
    sum += select(0u, 1u, (x[i] & EXPONENT) == EXPONENT);
  }
  reduce(sum, lane);
  if (lane == 0u) { partial[group.x] = lanes[0]; }
}

@compute @workgroup_size(THREADS)
fn total(@builtin(local_invocation_index) lane: u32) {
  var sum = 0u;
  for (var i = lane; i < params.P; i += THREADS) { sum += partial[i]; }
  reduce(sum, lane);
  if (lane == 0u) { flag[0] = lanes[0]; }
}
