import { expect } from 'vitest';

/**
 * Asserts |a - b| <= atol + rtol * |b| everywhere; a failure names the worst index and how far over it is.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: { rtol: number; atol: number },
  label = '',
): void {
  expect(actual.length, label).toBe(expected.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    const ratio = Math.abs(actual[i]! - expected[i]!) / (atol + rtol * Math.abs(expected[i]!));
    // NaN is never <=, so it is caught.
    if (!(ratio <= worst)) {
      worst = ratio;
      at = i;
    }
  }
  const message = `${label}[${at}] got ${actual[at]}, want ${expected[at]} (${worst.toFixed(2)}x the tolerance)`;
  expect(worst, message).toBeLessThanOrEqual(1);
}

/** ||a - b|| / ||b - origin||; origin defaults to 0. NaN where `a` holds one. */
export function relativeError(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  origin?: ArrayLike<number>,
): number {
  let off = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    off += (a[i]! - b[i]!) ** 2;
    size += (b[i]! - (origin?.[i] ?? 0)) ** 2;
  }
  return size === 0 ? Math.sqrt(off) : Math.sqrt(off / size);
}
