/** @file Router of a mixture layer in plain float64. Trinity, eq. 16–18 and 29–32. */
export interface RouterShape {
  readonly T: number;
  readonly E: number;
  readonly K: number;
  readonly S: number;
  readonly routeScale: number;
}

export const scores = (logits: Float64Array): Float64Array =>
  logits.map((x) => 1 / (1 + Math.exp(-x)));

/** [T, K] experts by falling s + bias, ties to the lower expert. */
export function select(s: Float64Array, bias: Float64Array, { T, E, K }: RouterShape): number[] {
  return Array.from({ length: T }, (_, t) =>
    Array.from({ length: E }, (_, e) => e)
      .sort((a, b) => s[t * E + b]! + bias[b]! - s[t * E + a]! - bias[a]! || a - b)
      .slice(0, K),
  ).flat();
}

/** [T, K] normalised scores of the selected experts, times the route scale. */
export function gates(
  s: Float64Array,
  selected: readonly number[],
  { E, K, routeScale }: RouterShape,
): Float64Array {
  return Float64Array.from(selected, (e, i) => {
    const t = Math.floor(i / K);
    let sum = 1e-20;
    for (let k = 0; k < K; k++) sum += s[t * E + selected[t * K + k]!]!;
    return (routeScale * s[t * E + e]!) / sum;
  });
}

/** Sum over experts of f P of each sequence, [B]. */
export function sequenceBalance(
  s: Float64Array,
  selected: readonly number[],
  { T, E, K, S }: RouterShape,
): number[] {
  return Array.from({ length: T / S }, (_, b) => {
    let loss = 0;
    for (let e = 0; e < E; e++) {
      let share = 0;
      let choices = 0;
      for (let t = b * S; t < (b + 1) * S; t++) {
        let total = 0;
        for (let j = 0; j < E; j++) total += s[t * E + j]!;
        share += s[t * E + e]! / total / S;
        for (let k = 0; k < K; k++) if (selected[t * K + k] === e) choices++;
      }
      loss += ((E * choices) / (K * S)) * share;
    }
    return loss;
  });
}
