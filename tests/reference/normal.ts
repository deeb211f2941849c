/**
 * @file The normal, whole and cut at three standard deviations: Philox in BigInt, and the quantile found by
 * Newton's method on the distribution function in float64. Shares no polynomial with the kernel.
 */
const MASK = 0xffff_ffffn;

/** Philox4x32-10, doi:10.1145/2063384.2063405, section 4. */
export function philox(
  counter: readonly [number, number, number, number],
  seed: readonly [number, number],
): number[] {
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [low, high] = seed.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const first = 0xd2511f53n * a;
    const second = 0xcd9e8d57n * c;
    [a, b, c, d] = [
      (second >> 32n) ^ b ^ low,
      second & MASK,
      (first >> 32n) ^ d ^ high,
      first & MASK,
    ];
    low = (low + 0x9e3779b9n) & MASK;
    high = (high + 0xbb67ae85n) & MASK;
  }
  return [a, b, c, d].map(Number);
}

/** Maclaurin series: exact to float64 rounding for |x| up to about 3. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** 1 - erf(x) for x >= 0 without loss far out: Laplace's continued fraction, from the far end. */
function erfc(x: number): number {
  if (x < 2) return 1 - erf(x);
  let tail = x;
  for (let n = 120; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

const MASS = erf(3 / Math.SQRT2);
const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** Share of the standard normal below z, and of the one that is cut at 3. */
export const distributions = {
  normal: (z: number): number => {
    const tail = erfc(Math.abs(z) / Math.SQRT2) / 2;
    return z < 0 ? tail : 1 - tail;
  },
  truncated: (z: number): number => (1 + erf(z / Math.SQRT2) / MASS) / 2,
};

/** The z below which the share 0 < p < 1 of the cut normal lies. */
function truncatedQuantile(p: number): number {
  let z = 0;
  for (let i = 0; i < 60; i++) {
    const step = (distributions.truncated(z) - p) / (density(z) / MASS);
    z = Math.max(-3, Math.min(3, z - step));
  }
  return z;
}

/** The z >= 0 beyond which, on both sides together, the share 0 < p <= 1 of the normal lies. */
function tailQuantile(p: number): number {
  let z = 0;
  // Newton on the logarithm of the share, which is concave: never too far from the left.
  for (let i = 0; i < 60; i++) {
    const share = erfc(z / Math.SQRT2);
    z += (Math.log(share / p) * share) / (2 * density(z));
  }
  return z;
}

/** Value of one random word at unit spread. */
export const quantiles = {
  truncated: (word: number): number => truncatedQuantile(((word >>> 8) + 0.5) / 2 ** 24),
  /** The highest bit is the sign, the others count from the middle outwards. */
  normal: (word: number): number => {
    const z = tailQuantile(1 - ((word & 0x7fff_ffff) + 0.5) / 2 ** 31);
    return word >>> 31 === 1 ? -z : z;
  },
};

/** Element `i` of a stream, at unit spread. */
export function normalAt(
  i: number,
  distribution: 'truncated' | 'normal',
  stream: number,
  seed: readonly [number, number],
): number {
  return quantiles[distribution](philox([Math.floor(i / 4), 0, stream, 0], seed)[i % 4]!);
}
