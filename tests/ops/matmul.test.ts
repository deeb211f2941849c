import { describe, expect, it, vi } from 'vitest';
import { Tape } from '@/engine/gpu/tape';
import type { Question } from '@/engine/gpu/tuning';
import { linear, matmul } from '@/engine/ops/matmul';
import { type MatmulForm, type MatmulVariant, matmulVariants } from '@/engine/ops/matmul.variants';
import { type Product, matmul as reference } from '../reference/matmul';
import { roundedMatmul } from '../reference/mxfp8';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

vi.mock('@/shaders/matmul.subgroupMatrix.wgsl?raw', async (original) => {
  const { emulated } = await import('../support/emulatedMatrices');
  return emulated(await original());
});

const lab = openLab();
const forms: readonly MatmulForm[] = ['nt', 'nn', 'tn'];
// single elements, odd sizes, sizes off every tile, and whole tiles with a batch
const shapes = [
  { batch: 1, M: 1, N: 1, K: 1 },
  { batch: 2, M: 7, N: 5, K: 3 },
  { batch: 3, M: 37, N: 33, K: 19 },
  { batch: 1, M: 1, N: 36, K: 4 },
  { batch: 2, M: 44, N: 36, K: 20 },
  { batch: 1, M: 68, N: 64, K: 132 },
  { batch: 2, M: 6, N: 37, K: 8 },
  // more than one workgroup along M and N
  { batch: 2, M: 130, N: 36, K: 40 },
];

/** Same kernel, other sizes: with one form each they say as much, and software adapters compile for seconds. */
const oneForm: Partial<Record<MatmulVariant, MatmulForm>> = {
  shared64: 'nt',
  shared128: 'tn',
  subgroup32: 'nn',
};

/** Whether a variant is compared here: the adapter has to have what it needs. */
const isCompared = (variant: MatmulVariant, form: MatmulForm): boolean =>
  (oneForm[variant] ?? form) === form &&
  (!/^subgroup\d/.test(variant) || lab.open().subgroupSize >= 8);

describe('matmul', () => {
  // off every tile in both directions; a matrix smaller than any; long enough for more than one workgroup each way
  it.each([
    { batch: 2, M: 76, N: 84, K: 24 },
    { batch: 1, M: 4, N: 4, K: 4 },
    { batch: 3, M: 20, N: 292, K: 12 },
    { batch: 2, M: 75, N: 84, K: 24 },
    { batch: 1, M: 132, N: 36, K: 63 },
    { batch: 1, M: 7, N: 5, K: 3 },
  ])('gives the same bits with every variant: %o', async (shape) => {
    const { batch, M, N, K } = shape;
    const bench = lab.bench();
    const a = bench.tensor([batch * M * K], noise(batch * M * K, 1));
    const b = bench.tensor([batch * N * K], noise(batch * N * K, 2));
    const results = forms.flatMap((form) =>
      (Object.keys(matmulVariants) as MatmulVariant[])
        .map((variant) => ({ form, variant, add: Number(form !== 'nn') as 0 | 1 }))
        .map((choice) => ({ ...choice, into: { tensor: start(), add: choice.add } }))
        .filter(({ variant, ...product }) => {
          const sizes = { ...shape, ...product, a, b };
          return isCompared(variant, product.form) && matmulVariants[variant].fits(sizes);
        }),
    );
    function start() {
      return bench.tensor([batch * M * N], new Float64Array(batch * M * N).fill(3));
    }
    for (const product of results) matmul(bench.tape, { ...shape, ...product, a, b });
    await bench.run();
    for (const form of forms) {
      const [plain, ...others] = results.filter((result) => result.form === form);
      const want = [...(await bench.read(plain!.into.tensor))];
      for (const { variant, into } of others) {
        expect([...(await bench.read(into.tensor))], `${form} ${variant}`).toEqual(want);
      }
    }
  });

  // within one tile; off the edges of several; more than two of the largest each way
  it.each([4, 76, 300])(
    'gives the same bits by half of a symmetric product, side %i',
    async (side) => {
      const [batch, K] = [2, 12];
      const bench = lab.bench();
      const x = bench.tensor([batch * side * K], noise(batch * side * K, 1));
      const gram = bench.tensor([batch * side * side], []);
      const product = { batch, M: side, N: side };
      const gramOf = { ...product, form: 'nt', a: x, b: x, K } as const;
      matmul(bench.tape, { ...gramOf, into: { tensor: gram, add: 0 }, variant: 'plain' });
      const products = [
        gramOf,
        { ...product, form: 'tn', a: x, b: x, K },
        { ...product, form: 'nn', a: gram, b: gram, K: side },
      ] as const;
      const results = products.flatMap((inputs) =>
        (Object.keys(matmulVariants) as MatmulVariant[])
          .filter((variant) => isCompared(variant, inputs.form))
          .map((variant) => {
            const c = bench.tensor([batch * side * side], []);
            const into = { tensor: c, add: 0 } as const;
            matmul(bench.tape, { ...inputs, into, variant, isSymmetric: variant !== 'plain' });
            return { form: inputs.form, variant, c };
          }),
      );
      await bench.run();
      for (const { form } of products) {
        const [plain, ...others] = results.filter((result) => result.form === form);
        const want = [...(await bench.read(plain!.c))];
        for (const { variant, c } of others) {
          expect([...(await bench.read(c))], `${form} ${variant}`).toEqual(want);
        }
      }
    },
  );

  it.each([
    ['tile', 8],
    ['scalar', 8],
    ['scalar', 5],
    ['scalar', 6],
    ['scalar', 7],
  ] as const)(
    'stores no row behind the last, however many a tile has left: %s, N = %i',
    async (variant, N) => {
      const [K, guard] = [4, 5];
      const bench = lab.bench();
      const products = Array.from({ length: 8 }, (_, i) => {
        const M = i + 1;
        const a = noise(M * K, M);
        const b = noise(K * N, 9);
        const c = bench.tensor([M + 8, N], new Float64Array((M + 8) * N).fill(guard));
        const inputs = { a: bench.tensor([M, K], a), b: bench.tensor([K, N], b) };
        const into = { tensor: c, add: 0 } as const;
        matmul(bench.tape, { form: 'nn', M, N, K, ...inputs, into, variant });
        return { c, want: reference(a, b, { form: 'nn', batch: 1, M, N, K }) };
      });
      await bench.run();
      for (const { c, want } of products) {
        const all = [...want, ...new Array<number>(8 * N).fill(guard)];
        expectClose(await bench.read(c), all, { rtol: 1e-5, atol: 1e-6 });
      }
    },
  );

  it.each([
    { M: 4, N: 8, add: 0 },
    { M: 8, N: 8, add: 1 },
  ] as const)('mirrors neither what is no square nor what is added to: %o', ({ M, N, add }) => {
    const tape = new Tape();
    const [a, b, c] = ['a', 'b', 'c'].map((label) => tape.tensor([8, 8], label));
    const into = { tensor: c!, add };
    expect(() =>
      matmul(tape, { form: 'nt', M, N, K: 8, a: a!, b: b!, into, isSymmetric: true }),
    ).toThrow(`matmul: ${M} x ${N} cannot be mirrored into c`);
  });

  it('takes the variant that the tuning names, where it can', () => {
    const asked: Question[] = [];
    const tape = new Tape((question) => {
      asked.push(question);
      return 'subgroup8';
    });
    const product = (M: number, N: number, K: number) =>
      matmul(tape, {
        ...{ form: 'tn', M, N, K, a: tape.tensor([K, M], 'a'), b: tape.tensor([K, N], 'b') },
        into: { tensor: tape.tensor([M, N], 'c'), add: 0 },
      });
    product(64, 32, 16);
    product(63, 32, 16); // A's rows are not whole fours
    expect(tape.dispatches.map(({ kernel }) => kernel.name)).toEqual([
      'matmul.subgroup',
      'matmul.scalar',
    ]);
    expect(asked[0]).toEqual({ op: 'matmul', form: 'tn', sides: [1, 64, 32, 16] });
  });

  for (const form of forms) {
    it.each(shapes)(
      `${form} equals float64 loops, plain and fast, overwriting and adding: %o`,
      async (shape) => {
        const { batch, M, N, K } = shape;
        const a = noise(batch * M * K, 1);
        const b = noise(batch * N * K, 2);
        const want = reference(a, b, { form, ...shape });
        const bench = lab.bench();
        const inputs = {
          form,
          ...shape,
          a: bench.tensor([a.length], a),
          b: bench.tensor([b.length], b),
        };
        const start = new Float64Array(want.length).fill(2);
        const fast = bench.tensor([want.length], start);
        const plain = bench.tensor([want.length], start);
        matmul(bench.tape, { ...inputs, into: { tensor: fast, add: 1 } });
        matmul(bench.tape, { ...inputs, into: { tensor: plain, add: 0 }, variant: 'plain' });
        await bench.run();
        const tolerance = { rtol: 1e-5, atol: 1e-6 * Math.sqrt(K) };
        expectClose(
          await bench.read(fast),
          want.map((v) => v + 2),
          tolerance,
          'fast',
        );
        expectClose(await bench.read(plain), want, tolerance, 'plain');
      },
    );

    it.each(shapes)(`${form} rounds both inputs along the axis it sums over: %o`, async (shape) => {
      const { batch, M, N, K } = shape;
      // Spread over many powers of two, so that each block has a scale of its own.
      const a = noise(batch * M * K, 1).map((v) => Math.fround(v ** 9));
      const b = noise(batch * N * K, 2).map((v) => Math.fround(v ** 9));
      const want = roundedMatmul(a, b, { form, ...shape });
      const bench = lab.bench();
      const c = bench.tensor([want.length], []);
      const into = { tensor: c, add: 0 } as const;
      const inputs = { a: bench.tensor([a.length], a), b: bench.tensor([b.length], b) };
      matmul(bench.tape, { form, ...shape, ...inputs, into, precision: 'mxfp8' });
      await bench.run();
      const tolerance = { rtol: 1e-5, atol: 1e-6 };
      expectClose(await bench.read(c), want, tolerance);
    });
  }
});

describe('linear', () => {
  it.each([
    [5, 7, 3],
    [9, 12, 8],
  ])('backward equals central differences, T=%i D=%i N=%i', async (T, D, N) => {
    const x = noise(T * D, 3);
    const w = noise(N * D, 4);
    const dy = noise(T * N, 5);
    const loss = () =>
      reference(x, w, { form: 'nt', batch: 1, M: T, N, K: D }).reduce(
        (sum, y, i) => sum + y * dy[i]!,
        0,
      );
    const bench = lab.bench();
    const xs = bench.parameter([T, D], x);
    const ws = bench.parameter([N, D], w);
    bench.seedGradient(linear(bench.tape, xs.value, ws.value), dy);
    bench.tape.backward();
    await bench.run();
    const tolerance = { rtol: 1e-4, atol: 1e-5 };
    expectClose(
      await bench.read(xs.gradient),
      gradient(loss, x).map((v) => v + 1),
      tolerance,
      'dx',
    );
    expectClose(
      await bench.read(ws.gradient),
      gradient(loss, w).map((v) => v + 1),
      tolerance,
      'dw',
    );
  });

  // whole vec4s over several blocks with a short last one on every axis; odd sizes
  it.each([
    [70, 44, 36],
    [35, 33, 3],
  ])('rounds the inputs of all three products in MXFP8, T=%i D=%i N=%i', async (T, D, N) => {
    const x = noise(T * D, 3).map((v) => Math.fround(v ** 9));
    const w = noise(N * D, 4).map((v) => Math.fround(v ** 9));
    const dy = noise(T * N, 5).map((v) => Math.fround(v ** 9));
    const bench = lab.bench();
    const xs = bench.parameter([T, D], x);
    const ws = bench.parameter([N, D], w);
    const y = bench.tape.keep(linear(bench.tape, xs.value, ws.value, 'mxfp8'));
    bench.seedGradient(y, dy);
    bench.tape.backward();
    await bench.run();
    const forward: Product = { form: 'nt', batch: 1, M: T, N, K: D };
    const backwardX: Product = { form: 'nn', batch: 1, M: T, N: D, K: N };
    const backwardW: Product = { form: 'tn', batch: 1, M: N, N: D, K: T };
    const tolerance = { rtol: 1e-5, atol: 1e-6 };
    const plusOne = (values: Float64Array) => values.map((v) => v + 1);
    expectClose(await bench.read(y), roundedMatmul(x, w, forward), tolerance, 'y');
    const dx = plusOne(roundedMatmul(dy, w, backwardX));
    expectClose(await bench.read(xs.gradient), dx, tolerance, 'dx');
    const dw = plusOne(roundedMatmul(dy, x, backwardW));
    expectClose(await bench.read(ws.gradient), dw, tolerance, 'dw');
  });

  it('records nothing more where nothing is rounded', () => {
    const bench = lab.bench();
    const x = bench.tensor([4, 8], []);
    linear(bench.tape, x, bench.tensor([8, 8], []), 'f32');
    expect(bench.tape.dispatches.map(({ kernel }) => kernel.name)).toEqual(['matmul.tile']);
  });

  it('refuses a weight whose inputs do not match', () => {
    const bench = lab.bench();
    const call = () => linear(bench.tape, bench.tensor([2, 3], []), bench.tensor([5, 4], []));
    expect(call).toThrow('linear w_ND: want [5, 3], got [5, 4]');
  });
});
