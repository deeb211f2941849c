// Normal numbers, whole or cut at three standard deviations: values[i] depends on seed, stream and i alone.
// Words: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405), key = seed, counter =
// (i / 4, 0, stream, 0). Numbers: the inverse of the distribution function, not rejection, so that
// every element takes exactly one word:
//   z = sqrt(2) erfinv(t),   t uniform in (-1, 1), or in (-erf(3 / sqrt 2), erf(3 / sqrt 2)) where cut
// z / t is a polynomial in w = -ln(1 - t * t), and in sqrt(w) far out: the form of Giles 2010,
// "Approximating the erfinv function"; the coefficients are our own fits (Chebyshev nodes; 3e-7 relative
// within, 6e-7 far out).
//
//   values  [N]  out  sigma z; sigma is that of the uncut normal, 0.9866 of it is left by the cut
//
// truncated: 24 bits of a word. whole: a sign and 31 bits, so that |z| reaches 6.2.
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
/// 2^-32: from a word to a share of (0, 1).
const WORD = 2.3283064365386963e-10;
const CUT = 3.0;
/// erf(3 / sqrt 2): the share of a normal within three standard deviations.
const MASS = 0.99730020393674;
/// The middles of the ranges of w and of sqrt(w), about which the polynomials are written.
const CENTRE = 2.615;
const FAR_CENTRE = 3.45;
/// From this w on the second polynomial holds.
const FAR = 5.0;

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

/// z / t for w = -ln(1 - t * t) up to FAR and a little beyond.
fn nearRatio(w: vec4f) -> vec4f {
  let x = w - CENTRE;
  var ratio = vec4f(2.05929531e-8);
  ratio = ratio * x + 4.95026939e-7;
  ratio = ratio * x - 4.3587379e-6;
  ratio = ratio * x - 9.25639506e-6;
  ratio = ratio * x + 3.0380697e-4;
  ratio = ratio * x - 1.63247809e-3;
  ratio = ratio * x - 6.49451884e-3;
  ratio = ratio * x + 0.347375751;
  return ratio * x + 2.16334486;
}

/// The same from FAR to the last w of 32 bits, 21.49.
fn farRatio(w: vec4f) -> vec4f {
  let x = sqrt(w) - FAR_CENTRE;
  var ratio = vec4f(-2.5392999e-4);
  ratio = ratio * x + 8.726645e-4;
  ratio = ratio * x - 1.31541211e-3;
  ratio = ratio * x + 1.73705199e-3;
  ratio = ratio * x - 3.18241655e-3;
  ratio = ratio * x + 5.10936743e-3;
  ratio = ratio * x + 1.4241401;
  return ratio * x + 4.64586878;
}

fn truncatedQuantile(words: vec4u) -> vec4f {
  // Odd numbers between -2^24 and 2^24: exact in f32, symmetric, never 0 and never an end.
  let odd = vec4i((words >> vec4u(8u)) * 2u + 1u) - vec4i(16777216);
  let t = vec4f(odd) * (MASS / 16777216.0);
  // Rounding may pass the cut where a driver's log is less exact.
  return clamp(t * nearRatio(-log((1.0 - t) * (1.0 + t))), vec4f(-CUT), vec4f(CUT));
}

fn wholeQuantile(words: vec4u) -> vec4f {
  // |t| and 1 - |t| each from its own integer: both keep all their digits where they are small.
  let size = words & vec4u(0x7fffffffu);
  let t = vec4f(size * 2u + 1u) * WORD;
  let tail = vec4f((vec4u(0x7fffffffu) - size) * 2u + 1u) * WORD;
  let w = -log(tail * (2.0 - tail));
  let z = t * select(nearRatio(w), farRatio(w), w > vec4f(FAR));
  return select(z, -z, (words >> vec4u(31u)) == vec4u(1u));
}

fn wordsOf(i: u32) -> vec4u {
  return philox(vec4u(i, 0u, params.stream, 0u), vec2u(live.seedLow, live.seedHigh));
}

@compute @workgroup_size(THREADS)
fn truncated(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i < params.N4) { values[i] = params.sigma * truncatedQuantile(wordsOf(i)); }
}

@compute @workgroup_size(THREADS)
fn whole(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i < params.N4) { values[i] = params.sigma * wholeQuantile(wordsOf(i)); }
}
