import { describe, it } from 'vitest';
import { IGNORED } from '@/engine/data/batch';
import { crossEntropy, lossFields } from '@/engine/ops/crossEntropy';
import { LOSSES_LENGTH, lossAt } from '@/engine/ops/lossSum';
import { losses, tokenLosses } from '../reference/crossEntropy';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();
const Z = 0.05; // large, so that the z-loss shows in the gradient

describe('crossEntropy', () => {
  // one token; odd sizes with an ignored target; several chunks of the vocabulary, the last one short, of more rows than threads
  it.each([
    { T: 1, V: 2, D: 1, chunkRows: 2 },
    { T: 9, V: 37, D: 5, chunkRows: 37 },
    { T: 7, V: 150, D: 8, chunkRows: 64 },
    { T: 3, V: 150, D: 2, chunkRows: 128 },
    { T: 70, V: 128, D: 4, chunkRows: 64 },
    { T: 7, V: 150, D: 8, chunkRows: 64, isAnew: true },
  ])('loss, statistics and gradients equal float64 loops: %o', async (sizes) => {
    const { T, V, D, chunkRows, isAnew = false } = sizes;
    const x = noise(T * D, 1, 2);
    const head = noise(V * D, 2, 2);
    const targets = Uint32Array.from({ length: T }, (_, t) =>
      t % 4 === 3 ? IGNORED : (t * 67) % V,
    );
    const run = () => losses(tokenLosses(x, head, targets, { V, D }));
    const loss = () => run().crossEntropy + Z * run().squaredLse;
    const bench = lab.bench();
    const live = bench.live.block('loss', lossFields);
    live.set({ scale: 1 / targets.filter((t) => t !== IGNORED).length, z: Z });
    const xs = bench.parameter([T, D], x, 0);
    const heads = bench.parameter([V, D], head, isAnew ? Number.NaN : 1);
    const sums = bench.tensor([LOSSES_LENGTH], new Array(LOSSES_LENGTH).fill(7));
    const targetsAt = bench.tensor([T], targets, 'u32');
    const options = { targets_T: targetsAt, live, losses: sums, chunkRows };
    const stats = bench.tape.keep(crossEntropy(bench.tape, xs.value, heads.value, options));
    bench.tape.backward();
    await bench.run();
    const want = tokenLosses(x, head, targets, { V, D });
    const told = await bench.read(sums);
    const { crossEntropy: ce, squaredLse, maxLogit, meanLogit } = lossAt;
    const named = [ce, squaredLse, maxLogit, meanLogit].map((i) => told[i]!);
    expectClose(named, Object.values(run()), { rtol: 1e-5, atol: 1e-6 }, 'losses');
    const got = await bench.read(stats);
    const column = (i: number) => want.map((_, t) => got[4 * t + i]!);
    expectClose(
      column(0),
      want.map((t) => t.highest),
      { rtol: 1e-5, atol: 1e-6 },
      'largest',
    );
    expectClose(
      column(2),
      want.map((t) => t.logit),
      { rtol: 1e-5, atol: 1e-6 },
      'target',
    );
    expectClose(
      column(3),
      want.map((t) => t.lse),
      { rtol: 1e-5, atol: 1e-6 },
      'lse',
    );
    expectClose(await bench.read(xs.gradient), gradient(loss, x), { rtol: 1e-4, atol: 1e-6 }, 'dx');
    const dhead = gradient(loss, head).map((v) => v + Number(!isAnew));
    expectClose(await bench.read(heads.gradient), dhead, { rtol: 1e-4, atol: 1e-6 }, 'dhead');
  });
});
