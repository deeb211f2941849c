// Sums of squares for the global gradient norm, in loads of four floats. `gradientNorm.wgsl` is the plain twin, whose
// second stage takes either's partial sums.
//
//   gradients  [N4]  in      one flat tensor of gradients, in fours
//   partial    [P]   in/out  sums of squares; this dispatch writes its own from params.first on
//
// Workgroups stride over N4, one partial each. Dispatch: any number of workgroups on x.

struct Params {
  N: u32, // fours
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

const THREADS = 64u;
var<workgroup> lanes: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var squares = vec4f();
  for (var i = group.x * THREADS + lane; i < params.N; i += groups.x * THREADS) {
    let four = gradients[i];
    squares += four * four;
  }
  lanes[lane] = dot(squares, vec4f(1.0));
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] += lanes[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { partial[params.first + group.x] = lanes[0]; }
}
