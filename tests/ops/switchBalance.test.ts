import { expect, it } from 'vitest';
import { switchBalance } from '@/engine/ops/switchBalance';
import { switchBalance as reference } from '../reference/router';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';
import { routingRecord } from '../support/routing';

const lab = openLab();

// one expert; more experts than threads; several sequences and layers
it.each([
  { L: 1, B: 1, S: 3, E: 1 },
  { L: 2, B: 3, S: 8, E: 5 },
  { L: 3, B: 2, S: 4, E: 130 },
])('equals the loss over all tokens of every layer: %o', async ({ L, B, S, E }) => {
  const T = B * S;
  const scores = Array.from({ length: L }, (_, l) => noise(T * E, l + 1).map((v) => 0.5 + 0.4 * v));
  const chosen = Array.from({ length: L }, (_, l) =>
    Array.from({ length: T }, (_, t) => (t * t + l) % E),
  );
  const bench = lab.bench();
  const counts = chosen.flatMap((ids) =>
    Array.from({ length: E }, (_, e) => ids.filter((id) => id === e).length),
  );
  const means = scores.flatMap((s) =>
    Array.from({ length: B * E }, (_, i) => {
      const [b, e] = [Math.floor(i / E), i % E];
      let mean = 0;
      for (let t = b * S; t < (b + 1) * S; t++) mean += s[t * E + e]! / S;
      return mean;
    }),
  );
  const record = {
    ...routingRecord(bench, L, B, E),
    counts_LE: bench.tensor([L, E], counts, 'u32'),
    meanScore_LBE: bench.tensor([L, B, E], means),
  };
  switchBalance(bench.tape, record, S);
  await bench.run();
  const want = scores.map((s, l) => reference(s, chosen[l]!, { T, E }));
  expect(want.length).toBe(L);
  expectClose(await bench.read(record.switch_L), want, { rtol: 2e-6, atol: 0 });
});
