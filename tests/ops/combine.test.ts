import { describe, expect, it } from 'vitest';
import { combine } from '@/engine/ops/combine';
import { dispatch } from '@/engine/ops/dispatch';
import { combine as reference } from '../reference/combine';
import { dispatch as sorting } from '../reference/dispatch';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe('combine', () => {
  it.each([
    { T: 1, K: 1, E: 1, D: 1, hasShared: false },
    { T: 9, K: 3, E: 4, D: 67, hasShared: true },
    { T: 40, K: 2, E: 7, D: 5, hasShared: true },
  ])('equals float64 loops both ways: %o', async ({ T, K, E, D, hasShared }) => {
    const selected = Uint32Array.from({ length: T * K }, (_, r) => (r * r + r) % E);
    const { sorted } = sorting(selected, E);
    const x = noise(T * K * D, 1);
    const gates = noise(T * K, 2);
    const shared = hasShared ? noise(T * D, 3) : undefined;
    const dy = noise(T * D, 4);
    const run = () => reference(x, gates, sorted, { T, K, D }, shared);
    const loss = () => run().reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const dispatched = dispatch(
      bench.tape,
      bench.tensor([T, K], selected, 'u32'),
      bench.tensor([1, E], [], 'u32'),
      0,
    );
    const xs = bench.parameter([T * K, D], x, 0);
    const weights = bench.parameter([T, K], gates, 0);
    const stream = shared && bench.tensor([T, D], shared);
    const y = bench.tape.keep(combine(bench.tape, xs.value, weights.value, dispatched, stream));
    bench.seedGradient(y, dy);
    bench.tape.backward();
    const dshared = stream && bench.tape.upstream(stream);
    await bench.run();
    expectClose(await bench.read(y), run(), { rtol: 1e-5, atol: 1e-6 }, 'y');
    const tolerance = { rtol: 1e-4, atol: 1e-5 };
    expectClose(await bench.read(xs.gradient), gradient(loss, x), tolerance, 'dx');
    expectClose(await bench.read(weights.gradient), gradient(loss, gates), tolerance, 'dgates');
    if (dshared) expect([...(await bench.read(dshared))]).toEqual([...dy]);
  });
});
