import { expect, it } from 'vitest';
import { sequenceBalance } from '@/engine/ops/sequenceBalance';
import { sequenceBalance as reference } from '../reference/router';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

it('gives every sequence its own loss, 1 where all is even', async () => {
  const shape = { T: 12, E: 3, K: 1, S: 6, routeScale: 1 };
  // the first sequence is even in choice and score; in the second everything goes to expert 2
  const selected = [0, 1, 2, 0, 1, 2, 2, 2, 2, 2, 2, 2];
  const s = Float64Array.from(noise(36, 1), (v, i) => (i < 18 ? 0.5 : Math.fround(0.5 + 0.4 * v)));
  const sums = Float64Array.from(
    { length: 12 },
    (_, t) => s[3 * t]! + s[3 * t + 1]! + s[3 * t + 2]!,
  );
  const bench = lab.bench();
  const loss_LB = bench.tensor([2, 2], [5, 5, 5, 5]);
  const fraction_BE = sequenceBalance(bench.tape, {
    scores_TE: bench.tensor([12, 3], s),
    scoreSum_T: bench.tensor([12], sums),
    selected_TK: bench.tensor([12, 1], selected, 'u32'),
    loss_LB,
    row: 1,
    sequenceLength: 6,
  });
  bench.tape.keep(fraction_BE);
  await bench.run();
  const want = reference(s, selected, shape);
  expect(want[0]).toBeCloseTo(1, 12);
  expectClose(await bench.read(loss_LB), [5, 5, ...want], { rtol: 1e-6, atol: 0 });
  expectClose(await bench.read(fraction_BE), [1, 1, 1, 0, 0, 3], { rtol: 1e-6, atol: 0 });
});
