import { it } from 'vitest';
import { add } from '@/engine/ops/add';
import { linear } from '@/engine/ops/matmul';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { rmsNorm as normReference } from '../reference/rmsNorm';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

// one element, a length off four, more than one workgroup
it.each([
  [1, 1],
  [3, 5],
  [40, 12],
])('adds %i x %i and sends the gradient to both', async (T, D) => {
  const x = noise(T * D, 1);
  const w = noise(D * D, 2);
  const dy = noise(T * D, 3);
  const ones = new Float64Array(D).fill(1);
  // as in a block: the residual goes through a norm and a product, and around both
  const forward = () => {
    const residual = normReference(x, ones, T, D, 1e-5);
    const normed = normReference(residual, ones, T, D, 1e-5);
    return residual.map((value, i) => {
      const [t, row] = [Math.floor(i / D), i % D];
      let sum = value;
      for (let d = 0; d < D; d++) sum += normed[t * D + d]! * w[row * D + d]!;
      return sum;
    });
  };
  const bench = lab.bench();
  const xAt = bench.parameter([T, D], x, 0);
  const wAt = bench.parameter([D, D], w, 0);
  const gain = bench.tensor([D], ones);
  const residual = rmsNorm(bench.tape, xAt.value, gain, 1e-5);
  const normed = rmsNorm(bench.tape, residual, gain, 1e-5);
  const y = bench.tape.keep(add(bench.tape, residual, linear(bench.tape, normed, wAt.value)));
  bench.seedGradient(y, dy);
  bench.tape.backward();
  await bench.run();
  expectClose(await bench.read(y), forward(), { rtol: 1e-5, atol: 1e-6 }, 'y');
  const loss = () => forward().reduce((sum, v, i) => sum + v * dy[i]!, 0);
  const tolerance = { rtol: 2e-4, atol: 2e-5 };
  expectClose(await bench.read(xAt.gradient), gradient(loss, x), tolerance, 'dx');
  expectClose(await bench.read(wAt.gradient), gradient(loss, w), tolerance, 'dw');
});
