/** @file Every row times the matrix of its expert, in plain float64. Rows are (token, choice) in token order. */
export function groupedLinear(
  x: Float64Array,
  w: Float64Array,
  selected: ArrayLike<number>,
  { F, D, K }: { F: number; D: number; K: number },
): Float64Array {
  const y = new Float64Array(selected.length * F);
  for (let r = 0; r < selected.length; r++) {
    for (let f = 0; f < F; f++) {
      let sum = 0;
      for (let d = 0; d < D; d++)
        sum += x[Math.floor(r / K) * D + d]! * w[(selected[r]! * F + f) * D + d]!;
      y[r * F + f] = sum;
    }
  }
  return y;
}

/** Rows in token order, put into sorted order. */
export const permuted = (x: Float64Array, source: readonly number[], D: number): Float64Array =>
  Float64Array.from(x, (_, i) => x[source[Math.floor(i / D)]! * D + (i % D)]!);
