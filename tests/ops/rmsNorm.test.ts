import { describe, expect, it } from 'vitest';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { rmsNorm as reference } from '../reference/rmsNorm';
import { expectClose } from '../support/close';
import { gradient, wave } from '../support/gradient';
import { openLab } from '../support/lab';

const EPS = 0.1; // large, so that a kernel that forgets it is caught
const lab = openLab();

const inputs = (T: number, D: number) => ({
  x: wave(T * D, (i) => 3 * Math.sin(i + 0.5)),
  gain: wave(D, (i) => 1 + 0.3 * Math.cos(i)),
  dy: wave(T * D, (i) => Math.cos(1.7 * i)),
});

describe('rmsNorm', () => {
  // one token; widths that 64 threads do not divide; more tokens than one dispatch axis holds (65 535)
  it.each([
    [1, 64],
    [3, 65],
    [7, 127],
    [70_000, 4],
  ])('forward equals the float64 reference, T=%i D=%i', async (T, D) => {
    const { x, gain } = inputs(T, D);
    const bench = lab.bench();
    const y = bench.tape.keep(
      rmsNorm(bench.tape, bench.tensor([T, D], x), bench.tensor([D], gain), EPS),
    );
    await bench.run();
    expectClose(await bench.read(y), reference(x, gain, T, D, EPS), { rtol: 2e-6, atol: 1e-7 });
  });

  it.each([
    [5, 67],
    [130, 3],
    [70, 8],
    [3, 132],
  ])('backward equals central differences of the reference, T=%i D=%i', async (T, D) => {
    const { x, gain, dy } = inputs(T, D);
    const loss = () => reference(x, gain, T, D, EPS).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const xs = bench.parameter([T, D], x);
    const gains = bench.parameter([D], gain);
    bench.seedGradient(rmsNorm(bench.tape, xs.value, gains.value, EPS), dy);
    bench.tape.backward();
    await bench.run();
    const plusOne = (g: Float64Array) => g.map((v) => v + 1); // a backward pass adds to what is there
    expectClose(await bench.read(xs.gradient), plusOne(gradient(loss, x)), {
      rtol: 1e-4,
      atol: 1e-5,
    });
    expectClose(await bench.read(gains.gradient), plusOne(gradient(loss, gain)), {
      rtol: 1e-4,
      atol: 2e-5,
    });
  });

  it('names the tensor whose shape is wrong', () => {
    const bench = lab.bench();
    const call = () => rmsNorm(bench.tape, bench.tensor([2, 8], []), bench.tensor([7], []), EPS);
    expect(call).toThrow('rmsNorm gain_D: want [8], got [7]');
  });
});
