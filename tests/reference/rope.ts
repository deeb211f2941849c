/** @file Rotary positions in plain float64: pairs (j, j + C/2), angle position * base^(-2j/C). */
export function rope(
  x: Float64Array,
  {
    width,
    C,
    S,
    base,
    offset = 0,
  }: { width: number; C: number; S: number; base: number; offset?: number },
): Float64Array {
  const y = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += C) {
    const position = offset + (Math.floor(at / width) % S);
    for (let j = 0; j < C / 2; j++) {
      const angle = position * base ** ((-2 * j) / C);
      const low = x[at + j]!;
      const high = x[at + j + C / 2]!;
      y[at + j] = low * Math.cos(angle) - high * Math.sin(angle);
      y[at + j + C / 2] = high * Math.cos(angle) + low * Math.sin(angle);
    }
  }
  return y;
}
