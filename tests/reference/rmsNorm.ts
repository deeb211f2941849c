/** @file RMSNorm in plain float64: slow, obvious, and the oracle of the kernel tests. */
export function rmsNorm(
  x: Float64Array,
  gain: Float64Array,
  T: number,
  D: number,
  eps: number,
  residual?: Float64Array,
): Float64Array {
  const y = new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    let meanSquare = 0;
    for (let d = 0; d < D; d++) meanSquare += x[t * D + d]! ** 2 / D;
    const rstd = 1 / Math.sqrt(meanSquare + eps);
    for (let d = 0; d < D; d++)
      y[t * D + d] = (residual?.[t * D + d] ?? 0) + x[t * D + d]! * rstd * gain[d]!;
  }
  return y;
}
