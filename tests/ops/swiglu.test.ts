import { describe, expect, it, vi } from 'vitest';
import type { ElementType, Tensor } from '@/engine/gpu/tensor';
import { convert } from '@/engine/ops/convert';
import { dispatch } from '@/engine/ops/dispatch';
import { groupedLinear, groupedSwiglu, tokenRows } from '@/engine/ops/groupedMatmul';
import { groupedVariants } from '@/engine/ops/groupedMatmul.variants';
import { linear, linearSwiglu } from '@/engine/ops/matmul';
import { swiglu } from '@/engine/ops/swiglu';
import { swiglu as reference } from '../reference/elementwise';
import { matmul } from '../reference/matmul';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { type Bench, openLab } from '../support/lab';

vi.mock('@/shaders/matmul.subgroupMatrix.wgsl?raw', async (original) => {
  const { emulated } = await import('../support/emulatedMatrices');
  return emulated(await original());
});

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

/**
 * What a tape may be told to take for every product: one that stores and leaves SwiGLU to its own kernel, and those that end
 * in it. Emulated matrices that end in 16 bits take seconds to compile; that they store so is tested with `convert`.
 */
const endings = (type: ElementType = 'f32') => [
  'plain',
  'tile',
  'shared32',
  ...(type === 'f32' ? ['subgroupMatrix'] : []),
  ...(lab.open().subgroupSize >= 8 ? ['subgroup8', 'subgroup8tall'] : []),
];

/** Columns f of the rows [T, 2 F] of gate and up. */
const part = (x: Float64Array, F: number, from: number): Float64Array =>
  x.filter((_, i) => i % (2 * F) >= from && i % (2 * F) < from + F);

interface Sizes {
  readonly T: number;
  readonly D: number;
  readonly F: number;
  readonly N: number;
}

/** Two layers around SwiGLU; what it reads is stored in `type`, gradients start at 1. */
function feedForward(
  bench: Bench,
  values: readonly Float64Array[],
  { T, D, F, N }: Sizes,
  type: ElementType = 'f32',
) {
  const { tape } = bench;
  const shapes = [
    [T, D],
    [2 * F, D],
    [N, F],
  ];
  const inputs = shapes.map((shape, i) => {
    const given = bench.tensor(shape, values[i]!);
    const stored = tape.tensor(shape, `input ${i}`, type);
    convert(tape, given, stored);
    const gradient = bench.tensor(shape, new Float32Array(given.length).fill(1));
    tape.bindGradient(stored, gradient);
    return { stored, gradient };
  });
  const [x, both, down] = inputs.map(({ stored }) => stored) as [Tensor, Tensor, Tensor];
  const hidden = linearSwiglu(tape, x, both);
  const y = linear(tape, hidden, down);
  const read = bench.tensor(y.shape, []);
  convert(tape, y, read);
  return {
    y,
    again: () => linear(tape, hidden, down),
    read,
    gradients: inputs.map((i) => i.gradient),
  };
}

describe('a feed-forward', () => {
  it('refuses rows that are not gate and up', () => {
    const { tape } = lab.bench();
    const [x, odd] = [tape.tensor([2, 4], 'x'), tape.tensor([7, 4], 'w')];
    expect(() => linearSwiglu(tape, x, odd)).toThrow('linearSwiglu w_2FD: want [6, 4], got [7, 4]');
  });

  // odd widths; whole fours off every tile, over more than one workgroup each way
  it.each([
    { T: 5, D: 3, F: 7, N: 5 },
    { T: 3, D: 8, F: 6, N: 4 },
    { T: 37, D: 12, F: 36, N: 8 },
  ])('equals float64 loops both ways, whatever its products end in: %o', async (sizes) => {
    const { T, D, F, N } = sizes;
    const values = [noise(T * D, 1), noise(2 * F * D, 2), noise(N * F, 3)];
    const [x, both, down] = values as [Float64Array, Float64Array, Float64Array];
    const dy = noise(T * N, 4);
    const run = () => {
      const hidden = matmul(x, both, { form: 'nt', batch: 1, M: T, N: 2 * F, K: D });
      const gated = reference(part(hidden, F, 0), part(hidden, F, F));
      return matmul(gated, down, { form: 'nt', batch: 1, M: T, N, K: F });
    };
    const loss = () => run().reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const want = values.map((input) => gradient(loss, input).map((g) => g + 1));
    for (const ending of endings()) {
      const bench = lab.bench(() => ending);
      const { y, read, gradients } = feedForward(bench, values, sizes);
      bench.seedGradient(y, dy);
      bench.tape.backward();
      await bench.run();
      expectClose(await bench.read(read), run(), { rtol: 1e-4, atol: 1e-5 }, `${ending} y`);
      for (const [i, tensor] of gradients.entries()) {
        const got = await bench.read(tensor);
        expectClose(got, want[i]!, { rtol: 1e-4, atol: 1e-4 }, `${ending} gradient ${i}`);
      }
    }
  });

  it.each([
    ['f32', 9],
    ['bf16', 9],
    ['f16', 4], // no product beyond its largest number
  ] as const)(
    'has the same bits whatever its products end in, stored as %s, with gates far out',
    async (type, size) => {
      const sizes = { T: 70, D: 12, F: 68, N: 20 };
      const { T, D, F, N } = sizes;
      const values = [noise(T * D, 1, size), noise(2 * F * D, 2, size), noise(N * F, 3)];
      const results: (Float32Array | Uint32Array)[][] = [];
      for (const ending of endings(type)) {
        const bench = lab.bench(() => ending);
        const { y, again, read, gradients } = feedForward(bench, values, sizes, type);
        bench.seedGradient(y, noise(T * N, 4));
        bench.seedGradient(again(), noise(T * N, 5)); // its gradient is added to the other's
        bench.tape.backward();
        await bench.run();
        results.push(await Promise.all([read, ...gradients].map((tensor) => bench.read(tensor))));
      }
      expect(results[0]!.flatMap((part) => [...part]).every(Number.isFinite)).toBe(true);
      for (const [i, got] of results.entries()) expect(got, endings(type)[i]!).toEqual(results[0]);
    },
  );
});

// an expert without rows, one with several blocks; widths off every tile
it('has the same bits for experts, whatever their products end in', async () => {
  const [T, K, E, D, F] = [67, 2, 5, 20, 36];
  const selected = Uint32Array.from({ length: T * K }, (_, r) => (r % 9 === 4 ? 3 : r % 3));
  const results: (Float32Array | Uint32Array)[][] = [];
  const names = endings().filter((name) => name in groupedVariants);
  for (const ending of [...names, 'shared64']) {
    const bench = lab.bench(() => ending);
    const ids = bench.tensor([T, K], selected, 'u32');
    const dispatched = dispatch(bench.tape, ids, bench.tensor([1, E], [], 'u32'), 0);
    const x = bench.parameter([T, D], noise(T * D, 1, 3));
    const both = bench.parameter([E, 2 * F, D], noise(E * 2 * F * D, 2, 3));
    const down = bench.parameter([E, D, F], noise(E * D * F, 3));
    const rows = tokenRows(bench.tape, x.value, dispatched);
    const hidden = groupedSwiglu(bench.tape, rows, both.value, dispatched);
    const y = bench.tape.keep(groupedLinear(bench.tape, hidden, down.value, dispatched));
    bench.seedGradient(y, noise(T * K * D, 4));
    bench.tape.backward();
    await bench.run();
    const read = [y, x.gradient, both.gradient, down.gradient];
    results.push(await Promise.all(read.map((tensor) => bench.read(tensor))));
  }
  for (const [i, got] of results.entries()) expect(got, `${i}`).toEqual(results[0]);
});
