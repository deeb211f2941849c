/** Central differences of `loss` with respect to `at`, in float64. The oracle of every backward pass. */
export function gradient(loss: () => number, at: Float64Array, h = 1e-5): Float64Array {
  return at.map((value, i) => {
    at[i] = value + h;
    const up = loss();
    at[i] = value - h;
    const down = loss();
    at[i] = value;
    return (up - down) / (2 * h);
  });
}

/** Values that are all distinct and of both signs, exact in float32: no symmetry hides a fault. */
export const wave = (length: number, f: (i: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, i) => Math.fround(f(i)));

/** Seeded uniform values in [-scale, scale), exact in float32. */
export function noise(length: number, seed: number, scale = 1): Float64Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float64Array.from({ length }, () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.fround(scale * (state / 2147483648 - 1));
  });
}
