/** @file Table lookup in plain float64. */
export function embedding(
  tokens: ArrayLike<number>,
  table: Float64Array,
  D: number,
  scale: number,
): Float64Array {
  const y = new Float64Array(tokens.length * D);
  for (let t = 0; t < tokens.length; t++) {
    for (let d = 0; d < D; d++) y[t * D + d] = scale * table[tokens[t]! * D + d]!;
  }
  return y;
}
