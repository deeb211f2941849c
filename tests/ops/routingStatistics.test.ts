import { expect, it } from 'vitest';
import { routingStatistics } from '@/engine/ops/routingStatistics';
import { sequenceBalance } from '../reference/router';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';
import { routingRecord } from '../support/routing';

const lab = openLab();

it('gives every sequence its own loss, 1 where all is even, its margin and its mean scores', async () => {
  const shape = {
    ...{ T: 12, E: 3, K: 1, S: 6, routeScale: 1 },
    ...({ scoring: 'sigmoid', isNormalised: true } as const),
  };
  // the first sequence is even in choice and score; in the second everything goes to expert 2
  const selected = [0, 1, 2, 0, 1, 2, 2, 2, 2, 2, 2, 2];
  const s = Float64Array.from(noise(36, 1), (v, i) => (i < 18 ? 0.5 : Math.fround(0.5 + 0.4 * v)));
  const sums = Float64Array.from(
    { length: 12 },
    (_, t) => s[3 * t]! + s[3 * t + 1]! + s[3 * t + 2]!,
  );
  const margins = Array.from({ length: 12 }, (_, t) => t / 8);
  const bench = lab.bench();
  const record = routingRecord(bench, 2, 2, 3);
  const fraction_BE = routingStatistics(bench.tape, {
    scores_TE: bench.tensor([12, 3], s),
    scoreSum_T: bench.tensor([12], sums),
    selected_TK: bench.tensor([12, 1], selected, 'u32'),
    margin_T: bench.tensor([12], margins),
    record,
    row: 1,
    sequenceLength: 6,
  });
  bench.tape.keep(fraction_BE);
  await bench.run();
  const want = sequenceBalance(s, selected, shape);
  expect(want[0]).toBeCloseTo(1, 12);
  const statistics = [5, 5, 5, 5, want[0]!, 2.5 / 8, want[1]!, 8.5 / 8];
  expectClose(await bench.read(record.statistics_LB2), statistics, { rtol: 1e-6, atol: 0 });
  expectClose(await bench.read(fraction_BE), [1, 1, 1, 0, 0, 3], { rtol: 1e-6, atol: 0 });
  const means = Array.from({ length: 6 }, (_, i) => {
    const [b, e] = [Math.floor(i / 3), i % 3];
    let mean = 0;
    for (let t = 6 * b; t < 6 * b + 6; t++) mean += s[3 * t + e]! / 6;
    return mean;
  });
  const written = (await bench.read(record.meanScore_LBE)).slice(6);
  expectClose(written, means, { rtol: 1e-6, atol: 0 });
});
