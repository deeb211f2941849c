import { describe, expect, it } from 'vitest';
import { IGNORED } from '@/engine/data/batch';
import { LOSSES_LENGTH, lossAt, lossSum } from '@/engine/ops/lossSum';
import { type MicroBatch, stepLosses } from '../reference/lossSum';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

/** Statistics of T tokens with a log-sum-exp above the logit; every third target counts for nothing. */
function microBatch(T: number, seed: number, isEmpty = false): MicroBatch {
  const values = noise(2 * T, seed, 2);
  const stats = Array.from({ length: T }, (_, t) => {
    const logit = Math.fround(values[t]!);
    return [9, 9, logit, Math.fround(logit + Math.abs(values[T + t]!) * seed)];
  });
  const targets = Array.from({ length: T }, (_, t) => (isEmpty || t % 3 === 1 ? IGNORED : 1));
  return { targets, stats };
}

/** Runs micro-batches one after the other into the same losses, which hold `start` before. */
async function summed(
  batches: readonly MicroBatch[],
  add: 0 | 1,
  scale: number,
  start: number,
): Promise<number[]> {
  const bench = lab.bench();
  const live = bench.live.block('loss', { scale: 'f32', z: 'f32' });
  live.set({ scale, z: 0 });
  const losses = bench.tensor([LOSSES_LENGTH], new Array(LOSSES_LENGTH).fill(start));
  for (const { targets, stats } of batches) {
    const T = targets.length;
    const targets_T = bench.tensor([T], targets, 'u32');
    lossSum(bench.tape, targets_T, bench.tensor([T, 4], stats.flat()), losses, live, add);
  }
  await bench.run();
  return [...(await bench.read(losses))];
}

describe('lossSum', () => {
  // one token; more than one for each thread; one of the batches without a valid target
  it.each([
    { sizes: [1], empty: -1 },
    { sizes: [600], empty: -1 },
    { sizes: [7, 300, 41], empty: -1 },
    { sizes: [30, 20, 10], empty: 1 },
  ])('adds up valid tokens over micro-batches: %o', async ({ sizes, empty }) => {
    const batches = sizes.map((T, i) => microBatch(T, i + 2, i === empty));
    const got = await summed(batches, 1, 1 / 300, 0);
    const want = stepLosses(batches, 1 / 300);
    expectClose(
      got.slice(0, 5),
      [
        want.crossEntropy,
        want.squaredLse,
        want.microBatchSum,
        want.microBatchLargest,
        want.microBatchCount,
      ],
      { rtol: 3e-6, atol: 1e-7 },
    );
  });

  it('overwrites where it is not told to add', async () => {
    const batch = microBatch(50, 3);
    const got = await summed([microBatch(9, 8), batch], 0, 1 / 50, 7);
    const want = stepLosses([batch], 1 / 50);
    expectClose(got.slice(0, 2), [want.crossEntropy, want.squaredLse], { rtol: 3e-6, atol: 1e-7 });
    expect(got[lossAt.microBatchCount]).toBe(1);
    expect(got[lossAt.microBatchLargest]).toBe(got[lossAt.microBatchSum]);
  });
});
