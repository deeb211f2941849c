import { describe, expect, it } from 'vitest';
import { IGNORED } from '@/engine/data/batch';
import { LOSSES_LENGTH, lossAt, lossSum } from '@/engine/ops/lossSum';
import { type MicroBatch, stepLosses } from '../reference/lossSum';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();
const V = 5;

/** Statistics of T tokens with a log-sum-exp above the logit; every third target counts for nothing. */
function microBatch(T: number, seed: number, isEmpty = false): MicroBatch {
  const values = noise(2 * T, seed, 2);
  const stats = Array.from({ length: T }, (_, t) => {
    const logit = Math.fround(values[t]!);
    // The largest logit is often below 0, and largest of all where the target does not count.
    return [
      t % 3 === 1 ? 9 : logit - 4 + seed / 100,
      9,
      logit,
      Math.fround(logit + Math.abs(values[T + t]!) * seed),
    ];
  });
  const targets = Array.from({ length: T }, (_, t) => (isEmpty || t % 3 === 1 ? IGNORED : 1));
  const sums = [...noise(T, seed + 50, 3)].map((sum, t) => (t % 3 === 1 ? 1000 : sum));
  return { targets, stats, sums };
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
  for (const { targets, stats, sums } of batches) {
    const T = targets.length;
    const tokens = {
      targets_T: bench.tensor([T], targets, 'u32'),
      stats_T: bench.tensor([T, 4], stats.flat()),
      sums_T: bench.tensor([T], sums),
    };
    lossSum(bench.tape, { ...tokens, vocabSize: V, losses, add }, live);
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
    const want = stepLosses(batches, 1 / 300, V);
    expectClose(
      got.slice(0, 7),
      [
        want.crossEntropy,
        want.squaredLse,
        want.microBatchSum,
        want.microBatchLargest,
        want.microBatchCount,
        want.maxLogit,
        want.meanLogit,
      ],
      { rtol: 3e-6, atol: 1e-7 },
    );
  });

  it('overwrites where it is not told to add', async () => {
    const batch = microBatch(50, 3);
    const got = await summed([microBatch(9, 8), batch], 0, 1 / 50, 7);
    const want = stepLosses([batch], 1 / 50, V);
    expectClose(got.slice(0, 2), [want.crossEntropy, want.squaredLse], { rtol: 3e-6, atol: 1e-7 });
    expect(got[lossAt.microBatchCount]).toBe(1);
    expect(got[lossAt.maxLogit]).toBe(Math.fround(want.maxLogit));
    expectClose([got[lossAt.meanLogit]!], [want.meanLogit], { rtol: 3e-6, atol: 1e-7 });
    expect(got[lossAt.microBatchLargest]).toBe(got[lossAt.microBatchSum]);
  });

  it('adds nothing, and overwrites with zeros, where no target is valid', async () => {
    const empty = microBatch(9, 3, true);
    expect(await summed([empty], 1, 1, 7)).toEqual(new Array(LOSSES_LENGTH).fill(7));
    expect((await summed([empty], 0, 1, 7)).slice(0, 7)).toEqual(new Array(7).fill(0));
  });
});
