/** @file Router of a mixture layer in plain float64. Trinity, eq. 16–18 and 29–32; arXiv:2411.02265, 2.2.3. */
export interface RouterShape {
  readonly T: number;
  readonly E: number;
  readonly K: number;
  readonly S: number;
  readonly routeScale: number;
  readonly scoring: 'sigmoid' | 'softmax';
  readonly isNormalised: boolean;
}

export function scores(
  logits: Float64Array,
  { E, scoring }: Pick<RouterShape, 'E' | 'scoring'>,
): Float64Array {
  if (scoring === 'sigmoid') return logits.map((x) => 1 / (1 + Math.exp(-x)));
  return logits.map((x, i) => {
    const first = i - (i % E);
    let sum = 0;
    for (let e = 0; e < E; e++) sum += Math.exp(logits[first + e]! - x);
    return 1 / sum;
  });
}

/** [T, K] experts by falling s + bias, ties to the lower expert. */
export function select(s: Float64Array, bias: Float64Array, { T, E, K }: RouterShape): number[] {
  return Array.from({ length: T }, (_, t) =>
    Array.from({ length: E }, (_, e) => e)
      .sort((a, b) => s[t * E + b]! + bias[b]! - s[t * E + a]! - bias[a]! || a - b)
      .slice(0, K),
  ).flat();
}

/** [T, K] scores of the selected experts, normalised or raw, times the route scale. */
export function gates(
  s: Float64Array,
  selected: readonly number[],
  { E, K, routeScale, isNormalised }: RouterShape,
): Float64Array {
  return Float64Array.from(selected, (e, i) => {
    const t = Math.floor(i / K);
    if (!isNormalised) return routeScale * s[t * E + e]!;
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

/** [T] selection score of the last choice minus that of the best expert left; 0 where none is left. */
export function margins(s: Float64Array, bias: Float64Array, { T, E, K }: RouterShape): number[] {
  return Array.from({ length: T }, (_, t) => {
    const ranked = Array.from({ length: E }, (_, e) => s[t * E + e]! + bias[e]!).sort(
      (a, b) => b - a,
    );
    return K < E ? ranked[K - 1]! - ranked[K]! : 0;
  });
}

/** E times the sum over experts of their choices a token and their mean score. */
export function switchBalance(
  s: Float64Array,
  selected: readonly number[],
  { T, E }: Pick<RouterShape, 'T' | 'E'>,
): number {
  let loss = 0;
  for (let e = 0; e < E; e++) {
    let mean = 0;
    for (let t = 0; t < T; t++) mean += s[t * E + e]! / T;
    loss += (E * mean * selected.filter((chosen) => chosen === e).length) / T;
  }
  return loss;
}
