import { describe, it } from 'vitest';
import { swiglu } from '@/engine/ops/swiglu';
import { swiglu as reference } from '../reference/elementwise';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe('swiglu', () => {
  // one element, a length off four, more than one workgroup; gates far out on both sides
  it.each([1, 7, 523])('equals float64 loops both ways, %i elements', async (length) => {
    const gate = noise(length, 1, 3);
    const up = noise(length, 2, 3);
    gate[0] = 90;
    gate[length - 1] = -90;
    const dy = noise(length, 3);
    const loss = () => reference(gate, up).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const first = bench.parameter([length], gate);
    const second = bench.parameter([length], up);
    const y = bench.tape.keep(swiglu(bench.tape, first.value, second.value));
    bench.seedGradient(y, dy);
    bench.tape.backward();
    await bench.run();
    expectClose(await bench.read(y), reference(gate, up), { rtol: 5e-6, atol: 1e-6 }, 'y');
    const tolerance = { rtol: 1e-4, atol: 1e-5 };
    const plusOne = (g: Float64Array) => g.map((v) => v + 1);
    expectClose(await bench.read(first.gradient), plusOne(gradient(loss, gate)), tolerance, 'gate');
    expectClose(await bench.read(second.gradient), plusOne(gradient(loss, up)), tolerance, 'up');
  });
});
