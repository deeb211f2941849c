// Multiply-adds in registers only: the rate that no product of matrices can pass.
//   twelve sums a thread, in three vectors of four; each becomes sum * factor + summand four times a round.
//
//   seeds  [2]        in   factor and summand, unknown to the compiler
//   sums   [threads]  out  all twelve added up, so that nothing is left out
//
// Dispatch: any number of workgroups, spread over x and y; a thread does 48 multiply-adds a round.

struct Params {
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> seeds: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  let factor = vec4f(seeds[0]);
  let summand = vec4f(seeds[1]);
  var a = vec4f(f32(lane));
  var b = a + 1.0;
  var c = a + 2.0;
  for (var round = 0u; round < params.rounds; round++) {
    a = fma(a, factor, summand);
    b = fma(b, factor, summand);
    c = fma(c, factor, summand);
    a = fma(a, factor, summand);
    b = fma(b, factor, summand);
    c = fma(c, factor, summand);
    a = fma(a, factor, summand);
    b = fma(b, factor, summand);
    c = fma(c, factor, summand);
    a = fma(a, factor, summand);
    b = fma(b, factor, summand);
    c = fma(c, factor, summand);
  }
  sums[i] = dot(a + b + c, vec4f(1.0));
}
