/**
 * @file The normal cut at three standard deviations: Philox in BigInt, and the quantile found by Newton's
 * method on the distribution function in float64. Shares neither a word trick nor a polynomial with the kernel.
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

const MASS = erf(3 / Math.SQRT2);

/** Share of the cut standard normal below z, -3 to 3. */
export const distribution = (z: number): number => (1 + erf(z / Math.SQRT2) / MASS) / 2;

/** The z below which the share 0 < p < 1 lies. */
export function quantile(p: number): number {
  let z = 0;
  for (let i = 0; i < 60; i++) {
    const density = Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * MASS);
    z = Math.max(-3, Math.min(3, z - (distribution(z) - p) / density));
  }
  return z;
}

/** The first `length` elements of a stream. */
export function truncatedNormal(
  length: number,
  sigma: number,
  stream: number,
  seed: readonly [number, number],
): Float64Array {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const word = philox([Math.floor(i / 4), 0, stream, 0], seed)[i % 4]!;
    values[i] = sigma * quantile(((word >>> 8) + 0.5) / 2 ** 24);
  }
  return values;
}
