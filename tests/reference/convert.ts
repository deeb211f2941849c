/** What is left of a float32 in 16 bits: rounded to nearest, ties to even. */
export function rounded(x: number, type: 'bf16' | 'f16'): number {
  // bf16: 7 bits behind the point, exponents of float32. f16: 10 bits, exponents from -14 to 15.
  const { digits, least, most } =
    type === 'bf16' ? { digits: 7, least: -126, most: 127 } : { digits: 10, least: -14, most: 15 };
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(least, Math.floor(Math.log2(Math.abs(x))));
  const step = 2 ** (exponent - digits);
  const steps = x / step;
  const below = Math.floor(steps);
  const rest = steps - below;
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const value = (isUp ? below + 1 : below) * step;
  const largest = (2 - 2 ** -digits) * 2 ** most;
  return Math.abs(value) > largest ? Math.sign(x) * Number.POSITIVE_INFINITY : value;
}
