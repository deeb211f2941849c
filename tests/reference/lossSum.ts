/** @file Losses of a step from the statistics of its tokens, in plain float64 loops. */

const IGNORED = 0xffff_ffff;

export interface MicroBatch {
  readonly targets: readonly number[];
  /** Of each token: largest logit, sum of exponentials, logit of the target, log-sum-exp. */
  readonly stats: readonly (readonly number[])[];
  /** Of each token: sum of all its logits. */
  readonly sums: readonly number[];
}

export function stepLosses(batches: readonly MicroBatch[], scale: number, V: number) {
  let crossEntropy = 0;
  let squaredLse = 0;
  let meanLogit = 0;
  const means: number[] = [];
  const highest: number[] = [];
  for (const { targets, stats, sums } of batches) {
    let own = 0;
    let valid = 0;
    targets.forEach((target, t) => {
      if (target === IGNORED) return;
      const [largest, , logit, lse] = stats[t]!;
      highest.push(largest!);
      meanLogit += (scale * sums[t]!) / V;
      own += lse! - logit!;
      squaredLse += scale * lse! ** 2;
      valid++;
    });
    crossEntropy += scale * own;
    if (valid > 0) means.push(own / valid);
  }
  return {
    crossEntropy,
    squaredLse,
    microBatchSum: means.reduce((a, b) => a + b, 0),
    microBatchLargest: Math.max(...means),
    microBatchCount: means.length,
    maxLogit: highest.length > 0 ? Math.max(...highest) : 0,
    meanLogit,
  };
}
