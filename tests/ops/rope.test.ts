import { describe, expect, it } from 'vitest';
import { positionFields, rope, ropeTable } from '@/engine/ops/rope';
import { rope as reference } from '../reference/rope';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe('rope', () => {
  it.each([
    { heads: 1, C: 2, S: 1, T: 1, offset: 0 },
    { heads: 3, C: 6, S: 5, T: 10, offset: 0 },
    { heads: 2, C: 16, S: 40, T: 40, offset: 9 },
  ])('equals float64 loops both ways: %o', async ({ heads, C, S, T, offset }) => {
    const width = heads * C;
    const x = noise(T * width, 1);
    const dy = noise(T * width, 2);
    const shape = { width, C, S, base: 100, offset };
    const loss = () => reference(x, shape).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const position = bench.live.block('position', positionFields);
    position.set({ offset });
    const xs = bench.parameter([T, width], x);
    const table_PC = bench.tensor([S + offset, C], ropeTable(S + offset, C, 100));
    const y = bench.tape.keep(
      rope(bench.tape, xs.value, { table_PC, sequenceLength: S, position }),
    );
    bench.seedGradient(y, dy);
    bench.tape.backward();
    await bench.run();
    expectClose(await bench.read(y), reference(x, shape), { rtol: 1e-5, atol: 1e-6 }, 'y');
    const want = gradient(loss, x).map((v) => v + 1);
    expectClose(await bench.read(xs.gradient), want, { rtol: 1e-4, atol: 1e-5 }, 'dx');
  });

  it('refuses a width that is no whole number of heads', () => {
    const bench = lab.bench();
    const position = bench.live.block('position', positionFields);
    const call = () =>
      rope(bench.tape, bench.tensor([2, 6], []), {
        table_PC: bench.tensor([2, 4], []),
        sequenceLength: 2,
        position,
      });
    expect(call).toThrow('rope x_TD: want whole heads of 4, got a width of 6');
  });
});
