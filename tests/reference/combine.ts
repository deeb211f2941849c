/** @file Weighted sum of the experts' rows, in plain float64. */
export function combine(
  x: Float64Array,
  gates: Float64Array,
  sorted: readonly number[],
  { T, K, D }: { T: number; K: number; D: number },
  shared?: Float64Array,
): Float64Array {
  const y = new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    for (let d = 0; d < D; d++) {
      let sum = shared?.[t * D + d] ?? 0;
      for (let k = 0; k < K; k++) sum += gates[t * K + k]! * x[sorted[t * K + k]! * D + d]!;
      y[t * D + d] = sum;
    }
  }
  return y;
}
