import { describe, it } from 'vitest';
import { swiglu } from '@/engine/ops/swiglu';
import { swiglu as reference } from '../reference/elementwise';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe.each([true, false])('swiglu, plain %s', (isPlain) => {
  // one element, widths off four, whole fours, more than one workgroup; gates far out on both sides
  it.each([
    [1, 1],
    [3, 7],
    [5, 12],
    [7, 76],
  ])('equals float64 loops both ways, %i rows of %i', async (T, F) => {
    const gate = noise(T * F, 1, 3);
    const up = noise(T * F, 2, 3);
    gate[0] = 90;
    gate[T * F - 1] = -90;
    const dy = noise(T * F, 3);
    const loss = () => reference(gate, up).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const x = bench.parameter([T, 2 * F], beside(gate, up, F));
    const y = bench.tape.keep(swiglu(bench.tape, x.value, isPlain));
    bench.seedGradient(y, dy);
    bench.tape.backward();
    await bench.run();
    expectClose(await bench.read(y), reference(gate, up), { rtol: 5e-6, atol: 1e-6 }, 'y');
    const want = beside(gradient(loss, gate), gradient(loss, up), F).map((g) => g + 1);
    expectClose(await bench.read(x.gradient), want, { rtol: 1e-4, atol: 1e-5 }, 'dx');
  });
});

/** Rows of `left` and `right`, F elements each, side by side. */
const beside = (left: Float64Array, right: Float64Array, F: number): Float64Array =>
  Float64Array.from({ length: 2 * left.length }, (_, i) => {
    const t = Math.floor(i / (2 * F));
    const c = i % (2 * F);
    return c < F ? left[t * F + c]! : right[t * F + c - F]!;
  });
