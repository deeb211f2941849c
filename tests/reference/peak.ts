/** @file The sums of `peak.fma.wgsl` in plain loops. */

/** The twelve sums of each of `threads` threads after `rounds` rounds, added up. */
export function multiplyAdds(
  [factor, summand]: readonly [number, number],
  threads: number,
  rounds: number,
): number[] {
  return Array.from({ length: threads }, (_, thread) => {
    let total = 0;
    for (let vector = 0; vector < 3; vector++) {
      let sum = (thread % 64) + vector;
      for (let i = 0; i < 4 * rounds; i++) sum = sum * factor + summand;
      total += 4 * sum;
    }
    return total;
  });
}
