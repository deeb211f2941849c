import { describe, expect, it } from 'vitest';
import { headNormRope, positionFields, ropeTable } from '@/engine/ops/headNormRope';
import { rmsNorm } from '../reference/rmsNorm';
import { rope } from '../reference/rope';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const EPS = 0.1; // large, so that a kernel that forgets it is caught
const BASE = 100;
const lab = openLab();

// one pair of channels; heads off four; whole fours; more tokens than a chunk, at later positions
const sizes = [
  { N: 1, C: 2, S: 1, T: 1, offset: 0 },
  { N: 3, C: 6, S: 5, T: 10, offset: 0 },
  { N: 2, C: 16, S: 40, T: 40, offset: 9 },
  { N: 1, C: 72, S: 3, T: 6, offset: 2 },
];
const cases = [true, false].flatMap((hasNorm) =>
  [true, false].flatMap((isTurned) =>
    [true, false].flatMap((hasRest) =>
      sizes.map((size) => ({ ...size, hasNorm, isTurned, hasRest })),
    ),
  ),
);

/** Columns [from, from + count) of rows of `width`. */
const columns = (x: Float64Array, width: number, from: number, count: number): Float64Array =>
  x.filter((_, i) => i % width >= from && i % width < from + count);

describe.each([true, false])('headNormRope, plain %s', (isPlain) => {
  it.each(cases)('equals float64 loops both ways: %o', async (given) => {
    const { N, C, S, T, offset, hasNorm, isTurned, hasRest } = given;
    const half = N * C;
    const width = hasRest ? 2 * half : half;
    const x = noise(T * width, 1, 2);
    const gain = noise(C, 2);
    const [dheads, drest] = [noise(T * half, 3), noise(T * half, 4)];
    const heads = () => {
      const own = columns(x, width, 0, half);
      const normed = hasNorm ? rmsNorm(own, gain, T * N, C, EPS) : own;
      return isTurned ? rope(normed, { width: half, C, S, base: BASE, offset }) : normed;
    };
    const loss = () => {
      const rest = hasRest ? columns(x, width, half, half) : new Float64Array(0);
      const ofHeads = heads().reduce((sum, y, i) => sum + y * dheads[i]!, 0);
      return rest.reduce((sum, y, i) => sum + y * drest[i]!, ofHeads);
    };
    const bench = lab.bench();
    const position = bench.live.block('position', positionFields);
    position.set({ offset });
    const xs = bench.parameter([T, width], x);
    const gains = bench.parameter([C], gain);
    const table_PC = bench.tensor([S + offset, C], ropeTable(S + offset, C, BASE));
    const y = headNormRope(bench.tape, xs.value, {
      headCount: N,
      headWidth: C,
      gain_C: hasNorm ? gains.value : undefined,
      eps: EPS,
      positions: { table_PC, sequenceLength: S, position },
      isTurned,
      isPlain,
    });
    bench.tape.keep(y.heads);
    bench.seedGradient(y.heads, dheads);
    if (y.rest) bench.seedGradient(bench.tape.keep(y.rest), drest);
    bench.tape.backward();
    await bench.run();
    expectClose(await bench.read(y.heads), heads(), { rtol: 1e-5, atol: 2e-6 }, 'heads');
    expect(y.rest !== undefined).toBe(hasRest);
    if (y.rest) {
      const rest = Float32Array.from(columns(x, width, half, half));
      expect(await bench.read(y.rest)).toEqual(rest);
    }
    const plusOne = (g: Float64Array) => g.map((v) => v + 1);
    const tolerance = { rtol: 1e-4, atol: 2e-5 };
    expectClose(await bench.read(xs.gradient), plusOne(gradient(loss, x)), tolerance, 'dx');
    const dgain = plusOne(gradient(loss, gain));
    expectClose(await bench.read(gains.gradient), dgain, tolerance, 'dgain');
  });
});

it('refuses a width that is no whole number of heads', () => {
  const bench = lab.bench();
  const position = bench.live.block('position', positionFields);
  const call = () =>
    headNormRope(bench.tape, bench.tensor([2, 6], []), {
      headCount: 1,
      headWidth: 4,
      gain_C: undefined,
      eps: EPS,
      positions: { table_PC: bench.tensor([2, 4], []), sequenceLength: 2, position },
      isTurned: true,
    });
  expect(call).toThrow('headNormRope x: want [2, 4], got [2, 6]');
});
