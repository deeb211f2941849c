import { describe, expect, it } from 'vitest';
import { linear, type MatmulForm, matmul, type Tile } from '@/engine/ops/matmul';
import { type Product, matmul as reference } from '../reference/matmul';
import { roundedMatmul } from '../reference/mxfp8';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

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
  // long enough for a transposed copy
  { batch: 2, M: 130, N: 36, K: 40 },
];

const tiles: readonly Tile[] = [
  { ROWS: 4, QUADS: 1, WIDE: 8 },
  { ROWS: 8, QUADS: 1, WIDE: 16 },
  { ROWS: 4, QUADS: 2, WIDE: 8 },
  { ROWS: 8, QUADS: 2, WIDE: 4 },
];

describe('matmul', () => {
  it.each(forms)('%s gives the same bits with every tile', async (form) => {
    // off every tile in both directions
    const shape = { batch: 2, M: 76, N: 84, K: 24 };
    const { batch, M, N, K } = shape;
    const bench = lab.bench();
    const a = bench.tensor([batch * M * K], noise(batch * M * K, 1));
    const b = bench.tensor([batch * N * K], noise(batch * N * K, 2));
    const results = tiles.map((tile) => {
      const c = bench.tensor([batch * M * N], new Float64Array(batch * M * N).fill(3));
      matmul(bench.tape, { form, ...shape, a, b, into: { tensor: c, add: 1 }, tile });
      return c;
    });
    await bench.run();
    const [first, ...others] = await Promise.all(results.map((c) => bench.read(c)));
    for (const other of others) expect([...other]).toEqual([...first!]);
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
        matmul(bench.tape, { ...inputs, into: { tensor: plain, add: 0 }, isPlain: true });
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
    expect(bench.tape.dispatches.map(({ kernel }) => kernel.name)).toEqual(['matmul.nt.vec4']);
  });

  it('refuses a weight whose inputs do not match', () => {
    const bench = lab.bench();
    const call = () => linear(bench.tape, bench.tensor([2, 3], []), bench.tensor([5, 4], []));
    expect(call).toThrow('linear w_ND: want [5, 3], got [5, 4]');
  });
});
