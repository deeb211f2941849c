import { describe, expect, it } from 'vitest';
import { columnSum, sumWidth } from '@/engine/ops/columnSum';
import { residualNorm } from '@/engine/ops/residualNorm';
import { rmsNorm as reference } from '../reference/rmsNorm';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const EPS = 0.1; // large, so that a kernel that forgets it is caught
const lab = openLab();
const plusOne = (g: Float64Array) => g.map((v) => v + 1); // a backward pass adds to what is there
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

// one token; widths that 64 threads do not divide; whole fours; several chunks of tokens
const sizes = [
  [1, 64],
  [3, 65],
  [70, 8],
  [4, 132],
] as const;
const cases = sizes.flatMap(([T, D]) =>
  [true, false].flatMap((hasOuter) =>
    [true, false].map((isPlain) => ({ T, D, hasOuter, isPlain })),
  ),
);

describe('residualNorm', () => {
  it.each(cases)(
    'equals float64 loops both ways: T=$T D=$D outer norm $hasOuter plain $isPlain',
    async ({ T, D, hasOuter, isPlain }) => {
      const residual = noise(T * D, 1);
      const part = noise(T * D, 2, 2);
      const outer = noise(D, 3);
      const inner = noise(D, 4);
      const dx = noise(T * D, 5);
      const du = noise(T * D, 6);
      const run = () => {
        const added = hasOuter ? reference(part, outer, T, D, EPS) : part;
        const x = residual.map((value, i) => value + added[i]!);
        return { x, u: reference(x, inner, T, D, EPS) };
      };
      // x has another reader, the stream itself, whose gradient is dx
      const loss = () => dot(run().x, dx) + dot(run().u, du);
      const bench = lab.bench();
      const stream = bench.tensor([T, D], residual);
      const parts = hasOuter ? bench.parameter([T, D], part) : undefined;
      const part_TD = parts?.value ?? bench.tensor([T, D], part);
      const outers = bench.parameter([D], outer);
      const inners = bench.parameter([D], inner);
      const y = residualNorm(bench.tape, {
        residual_TD: stream,
        part_TD,
        outer_D: hasOuter ? outers.value : undefined,
        inner_D: inners.value,
        eps: EPS,
        isPlain,
      });
      for (const tensor of Object.values(y)) bench.tape.keep(tensor);
      bench.seedGradient(y.x_TD, dx);
      bench.seedGradient(y.u_TD, du);
      bench.tape.backward();
      const shared = bench.tape.upstream(stream);
      const ofPart = hasOuter ? parts!.gradient : bench.tape.upstream(part_TD);
      await bench.run();
      const want = run();
      const close = { rtol: 5e-6, atol: 2e-6 };
      expectClose(await bench.read(y.x_TD), want.x, close, 'x');
      expectClose(await bench.read(y.u_TD), want.u, close, 'u');
      const tolerance = { rtol: 1e-4, atol: 5e-5 };
      expectClose(await bench.read(shared), gradient(loss, residual), tolerance, 'dresidual');
      const dpart = gradient(loss, part);
      expectClose(await bench.read(ofPart), hasOuter ? plusOne(dpart) : dpart, tolerance, 'dpart');
      const dinner = plusOne(gradient(loss, inner));
      expectClose(await bench.read(inners.gradient), dinner, tolerance, 'dinner');
      const douter = plusOne(gradient(loss, outer));
      expectClose(await bench.read(outers.gradient), douter, tolerance, 'douter');
    },
  );

  it.each([true, false])(
    'begins the gradient of x where nobody else reads it, plain %s',
    async (isPlain) => {
      const [T, D] = [5, 12];
      const residual = noise(T * D, 1);
      const part = noise(T * D, 2);
      const [outer, inner] = [noise(D, 3), noise(D, 4)];
      const du = noise(T * D, 5);
      const loss = () => {
        const added = reference(part, outer, T, D, EPS);
        return dot(
          reference(
            residual.map((v, i) => v + added[i]!),
            inner,
            T,
            D,
            EPS,
          ),
          du,
        );
      };
      const bench = lab.bench();
      const stream = bench.tensor([T, D], residual);
      const options = {
        residual_TD: stream,
        part_TD: bench.tensor([T, D], part),
        eps: EPS,
        isPlain,
      };
      const gains = { outer_D: bench.tensor([D], outer), inner_D: bench.tensor([D], inner) };
      bench.seedGradient(residualNorm(bench.tape, { ...options, ...gains }).u_TD, du);
      bench.tape.backward();
      const shared = bench.tape.keep(bench.tape.upstream(stream));
      await bench.run();
      const want = gradient(loss, residual);
      expectClose(await bench.read(shared), want, { rtol: 1e-4, atol: 1e-5 }, 'dresidual');
    },
  );

  it('leaves the sums of its gains in columns bound to them, padding included, and nowhere else', async () => {
    const [T, D] = [70, 12];
    const width = sumWidth(D);
    const [inner, outer] = [noise(D, 3), noise(D, 4)];
    const given = [noise(T * D, 1), noise(T * D, 2), noise(T * D, 5)] as const;
    const gradients = async (isBound: boolean, isApart = false) => {
      const bench = lab.bench();
      const inners = bench.parameter([D], inner, 0);
      const outers = bench.parameter([D], outer, 0);
      const sums = bench.tensor([3, 2 * width], new Float32Array(6 * width).fill(Number.NaN));
      const total = bench.tensor([2 * width], new Float32Array(2 * width));
      if (isBound) {
        bench.tape.bindSums(outers.value, sums, 0);
        bench.tape.bindSums(inners.value, isApart ? bench.tensor([3, width], []) : sums, width);
      }
      const { u_TD } = residualNorm(bench.tape, {
        residual_TD: bench.tensor([T, D], given[0]),
        part_TD: bench.tensor([T, D], given[1]),
        outer_D: outers.value,
        inner_D: inners.value,
        eps: EPS,
      });
      bench.seedGradient(u_TD, given[2]);
      bench.tape.backward();
      if (isBound && !isApart) columnSum(bench.tape, sums, { tensor: total, add: 1 });
      await bench.run();
      const own = [...(await bench.read(outers.gradient)), ...(await bench.read(inners.gradient))];
      return { own, total: [...(await bench.read(total))] };
    };
    const { own } = await gradients(false);
    const bound = await gradients(true);
    // in two matrices: they are left alone, and each gradient is added up by itself
    expect((await gradients(true, true)).own).toEqual(own);
    expect(bound.own).toEqual(own.map(() => 0));
    const padding = Array.from({ length: width - D }, () => 0);
    const want = [...own.slice(0, D), ...padding, ...own.slice(D), ...padding];
    expectClose(bound.total, want, { rtol: 1e-5, atol: 1e-6 });
    expect(own.every((value) => value !== 0)).toBe(true);
  });

  it('names the tensor whose shape is wrong', () => {
    const bench = lab.bench();
    const tensor = (...shape: number[]) => bench.tensor(shape, []);
    const call = () =>
      residualNorm(bench.tape, {
        residual_TD: tensor(2, 8),
        part_TD: tensor(2, 7),
        outer_D: undefined,
        inner_D: tensor(8),
        eps: EPS,
      });
    expect(call).toThrow('residualNorm part_TD: want [2, 8], got [2, 7]');
  });
});
