// Normal numbers cut at three standard deviations: out[i] depends on seed, stream and i alone.
// Words: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405), key = seed, counter =
// (i / 4, 0, stream, 0). Numbers: the inverse of the distribution function, not rejection, so that
// every element takes exactly one word:
//   z = sqrt(2) erfinv(t),   t uniform in (-erf(3 / sqrt 2), erf(3 / sqrt 2))
// z / t is a polynomial in -ln(1 - t * t), the form of Giles 2010, "Approximating the erfinv
// function"; the coefficients are our own fit to this range (Chebyshev nodes, 3e-7 relative).
//
//   values  [N]  out  sigma z; sigma is that of the uncut normal, 0.9866 of it is left by the cut
//
// One thread per four elements; the last thread may reach into the tensor's own padding.
// Dispatch: ceil(N4 / THREADS) workgroups, spread over x and y; N4 = ceil(N / 4).

struct Params {
  N4: u32,
  stream: u32,
  sigma: f32,
}

struct Live {
  seedLow: u32,
  seedHigh: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read_write> values: array<vec4f>;

const THREADS = 64u;
const ROUNDS = 10u;
const CUT = 3.0;
/// erf(3 / sqrt 2): the share of a normal within three standard deviations.
const MASS = 0.99730020393674;
/// The middle of the range of -ln(1 - t * t), about which the polynomial is written.
const CENTRE = 2.615;

/// High and low word of the 64-bit product, from 16-bit halves: WGSL has no wide multiplication.
fn wideProduct(a: u32, b: u32) -> vec2u {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let cross = aHigh * bLow + ((aLow * bLow) >> 16u);
  let middle = aLow * bHigh + (cross & 0xffffu);
  return vec2u(aHigh * bHigh + (cross >> 16u) + (middle >> 16u), a * b);
}

fn philox(counter: vec4u, seed: vec2u) -> vec4u {
  var word = counter;
  var key = seed;
  for (var round = 0u; round < ROUNDS; round++) {
    let first = wideProduct(0xd2511f53u, word.x);
    let second = wideProduct(0xcd9e8d57u, word.z);
    word = vec4u(second.x ^ word.y ^ key.x, second.y, first.x ^ word.w ^ key.y, first.y);
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return word;
}

fn quantile(words: vec4u) -> vec4f {
  // Odd numbers between -2^24 and 2^24: exact in f32, symmetric, never 0 and never an end.
  let odd = vec4i((words >> vec4u(8u)) * 2u + 1u) - vec4i(16777216);
  let t = vec4f(odd) * (MASS / 16777216.0);
  let w = -log((1.0 - t) * (1.0 + t)) - CENTRE;
  var ratio = vec4f(2.05929531e-8);
  ratio = ratio * w + 4.95026939e-7;
  ratio = ratio * w - 4.3587379e-6;
  ratio = ratio * w - 9.25639506e-6;
  ratio = ratio * w + 3.0380697e-4;
  ratio = ratio * w - 1.63247809e-3;
  ratio = ratio * w - 6.49451884e-3;
  ratio = ratio * w + 0.347375751;
  ratio = ratio * w + 2.16334486;
  // Rounding may pass the cut where a driver's log is less exact.
  return clamp(t * ratio, vec4f(-CUT), vec4f(CUT));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.N4) { return; }
  let words = philox(vec4u(i, 0u, params.stream, 0u), vec2u(live.seedLow, live.seedHigh));
  values[i] = params.sigma * quantile(words);
}
