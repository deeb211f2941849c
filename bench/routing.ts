/** @file Loads of experts: how many of the rows go to each. */

/** `even`: all alike; `zipf`: the n-th expert gets a share like 1 / n; `one`: all to the first. */
export const loads = ['even', 'zipf', 'one'] as const;
export type Load = (typeof loads)[number];

/** Share of each expert; they sum to 1. */
export function shares(load: Load, E: number): number[] {
  const weights = Array.from({ length: E }, (_, e) => {
    if (load === 'even') return 1;
    if (load === 'zipf') return 1 / (e + 1);
    return e === 0 ? 1 : 0;
  });
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/**
 * The expert of each of `rows` rows, with the shares met as closely as whole rows can; neighbours differ, as they do
 * in a batch. With K choices a token the K may repeat: a grouped product does not mind.
 */
export function selection(load: Load, E: number, rows: number): Uint32Array {
  const share = shares(load, E);
  const debt = share.map(() => 0);
  return Uint32Array.from({ length: rows }, () => {
    for (const [e, part] of share.entries()) debt[e]! += part;
    const next = debt.indexOf(Math.max(...debt));
    debt[next]! -= 1;
    return next;
  });
}
