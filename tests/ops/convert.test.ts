import { describe, expect, it, vi } from 'vitest';
import { defineKernel } from '@/engine/gpu/kernel';
import { narrowed, takesNarrow } from '@/engine/gpu/storage';
import type { Tensor } from '@/engine/gpu/tensor';
import { type Attention, attention } from '@/engine/ops/attention';
import { combine } from '@/engine/ops/combine';
import { convert } from '@/engine/ops/convert';
import { dispatch } from '@/engine/ops/dispatch';
import { groupedLinear, tokenRows } from '@/engine/ops/groupedMatmul';
import { type GroupedVariantName, groupedVariants } from '@/engine/ops/groupedMatmul.variants';
import { headNormRope, positionFields, ropeTable } from '@/engine/ops/headNormRope';
import { linear, matmul } from '@/engine/ops/matmul';
import { type MatmulVariant, matmulVariants } from '@/engine/ops/matmul.variants';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { sigmoidGate } from '@/engine/ops/sigmoidGate';
import { swiglu } from '@/engine/ops/swiglu';
import { rounded } from '../reference/convert';
import { noise } from '../support/gradient';
import { type Bench, openLab } from '../support/lab';

vi.mock('@/shaders/matmul.subgroupMatrix.wgsl?raw', async (original) => {
  const { emulated } = await import('../support/emulatedMatrices');
  return emulated(await original());
});

const lab = openLab();

/** Bits of a float32 as a number. */
const float = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

const awkward = [
  ...[0, 1, -1, 1.5, 3.3, -2.9, 1e-3, 65_504, -65_504, 70_000, 3e38, -3.4e38],
  // ties: to even below, to even above, and just beside one
  ...[0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0xbf818000, 0x7f7fffff, 0x7fffffff].map(
    float,
  ),
  ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20, 65_519, 65_520, -65_520],
  ...[2 ** -14, 2 ** -126, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
];

/** Stores numbers in 16 bits and reads them back. */
async function kept(type: 'bf16' | 'f16', values: Float32Array) {
  const bench = lab.bench();
  const N = values.length;
  const y = bench.tensor([N], []);
  const narrow = bench.tape.tensor([N], 'narrow', type);
  expect(narrow.bytes).toBe(2 * N);
  convert(bench.tape, bench.tensor([N], values), narrow);
  convert(bench.tape, narrow, y);
  await bench.run();
  return bench.read(y);
}

const numbers = (N: number) =>
  Float32Array.from({ length: N }, (_, i) =>
    N > 10 && i < awkward.length ? awkward[i]! : 4 * Math.sin(i * 12.9898 + N),
  );

describe.each(['bf16', 'f16'] as const)('%s', (type) => {
  it.each([1, 5, 4096])('keeps %d numbers, rounded to nearest', async (N) => {
    const values = numbers(N);
    // + 0: the two zeros are one
    const want = values.map((value) => rounded(value, type) + 0);
    expect((await kept(type, values)).map((value) => value + 0)).toEqual(want);
  });
});

it('keeps more numbers than one axis of workgroups takes', async () => {
  const values = numbers(4 * 64 * 65_535 + 8);
  const got = await kept('bf16', values);
  for (let i = 0; i < values.length; i += 9973) expect(got[i]).toBe(rounded(values[i]!, 'bf16'));
  expect(got.at(-1)).toBe(rounded(values.at(-1)!, 'bf16'));
});

describe('a kernel over 16 bits', () => {
  const kernel = (element: string, body: string) =>
    defineKernel({
      name: 'test',
      wgsl: `// a[0] = 1; in a comment
struct Params { N: u32, }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> a: array<${element}>;
const THREADS = 64u;
@compute @workgroup_size(THREADS) fn main() { ${body} }`,
      entryPoint: 'main',
      buffers: { a: 'read_write' },
      params: { N: 'u32' },
    });

  it('is had from loads of any kind and from stores of whole fours', () => {
    const cases = [
      ['vec4f', 'a[0] = a[1];', true],
      ['vec4f', 'a[params.N] += vec4f(1.0);', true],
      ['f32', 'let x = a[0] == 1.0;', true],
      ['f32', 'a[0] = 1.0;', false],
      ['f32', 'a[0] -= 1.0;', false],
      ['vec4f', 'a[0].x = 1.0;', false],
      ['vec4f', 'a[0][1] = 1.0;', false],
      ['vec4f', 'let p = &a[0];', false],
      ['u32', 'let x = a[0];', false],
    ] as const;
    for (const [element, body, want] of cases) {
      expect([body, takesNarrow(kernel(element, body), 'a')]).toEqual([body, want]);
    }
  });

  it('calls accessors, also within an index', () => {
    const { wgsl, edition } = narrowed(kernel('vec4f', 'a[u32(a[1].x)] = a[2] * a[3];'), {
      a: 'bf16',
    });
    expect(edition).toBe('a:bf16');
    expect(wgsl).toContain('store_a(u32(u32(load_a(u32(1)).x)), load_a(u32(2)) * load_a(u32(3)));');
    expect(wgsl).toContain('a: array<vec2u>;');
  });

  it('is made once', () => {
    const plain = kernel('vec4f', 'a[0] = a[1];');
    expect(narrowed(plain, { a: 'f16' })).toBe(narrowed(plain, { a: 'f16' }));
    expect(narrowed(plain, {})).toBe(plain);
  });
});

/** An op, and the shapes of what goes into it. */
type Case = readonly [
  name: string,
  shapes: readonly (readonly number[])[],
  record: (bench: Bench, inputs: readonly Tensor[]) => Tensor,
];

const positions = (bench: Bench, C: number) => ({
  table_PC: bench.tensor([16, C], ropeTable(16, C, 100)),
  sequenceLength: 16,
  position: bench.live.block('position', positionFields),
});

const sorted = (bench: Bench, T: number, K: number, E: number) => {
  const selected = Uint32Array.from({ length: T * K }, (_, r) => (r * 5) % E);
  const counts = bench.tensor([1, E], [], 'u32');
  return dispatch(bench.tape, bench.tensor([T, K], selected, 'u32'), counts, 0);
};

const attend: Attention = {
  sequenceLength: 16,
  headCount: 4,
  kvHeadCount: 2,
  window: 7,
  isMaskedByDocument: false,
};

const cases: readonly Case[] = [
  [
    'linear of few rows',
    [
      [3, 16],
      [12, 16],
    ],
    ({ tape }, [x, w]) => linear(tape, x!, w!),
  ],
  [
    'linear of many rows',
    [
      [160, 36],
      [32, 36],
    ],
    ({ tape }, [x, w]) => linear(tape, x!, w!),
  ],
  [
    'linear of odd width',
    [
      [5, 15],
      [7, 15],
    ],
    ({ tape }, [x, w]) => linear(tape, x!, w!),
  ],
  ...[
    [9, 3],
    [160, 2],
  ].map(
    ([T, E]): Case => [
      `experts for ${T} tokens`,
      [
        [T!, 32],
        [E!, 32, 32],
      ],
      (bench, [x, w]) => {
        const dispatched = sorted(bench, T!, 2, E!);
        return groupedLinear(bench.tape, tokenRows(bench.tape, x!, dispatched), w!, dispatched);
      },
    ],
  ),
  [
    'combine',
    [
      [12, 8],
      [6, 8],
    ],
    (bench, [x, shared]) => {
      const { value: gates } = bench.parameter([6, 2], new Array(12).fill(0.3));
      return combine(bench.tape, x!, gates, sorted(bench, 6, 2, 3), shared!);
    },
  ],
  ['swiglu', [[5, 16]], ({ tape }, [x]) => swiglu(tape, x!)],
  ['swiglu of odd width', [[5, 14]], ({ tape }, [x]) => swiglu(tape, x!)],
  [
    'gate',
    [
      [5, 8],
      [5, 8],
    ],
    ({ tape }, [x, gate]) => sigmoidGate(tape, x!, gate!),
  ],
  ...[8, 6].map(
    (C): Case => [
      `heads of ${C} channels`,
      [[16, 2 * C]],
      (bench, [x]) => {
        const { value: gain_C } = bench.parameter([C], noise(C, 9));
        const options = { headCount: 2, headWidth: C, gain_C, eps: 0.1, isTurned: true };
        return headNormRope(bench.tape, x!, { ...options, positions: positions(bench, C) }).heads;
      },
    ],
  ),
  ...[16, 130].map(
    (D): Case => [
      `norm of ${D} channels`,
      [[5, D]],
      (bench, [x]) => {
        const { value: gain } = bench.parameter([D], noise(D, 9));
        return rmsNorm(bench.tape, x!, gain, 0.1);
      },
    ],
  ),
];

describe.each(cases)('%s', (_, shapes, record) => {
  it.each(['bf16', 'f16'] as const)(
    'differs in %s by the rounding of its result alone',
    async (type) => {
      const bench = lab.bench();
      const { tape } = bench;
      const narrow = shapes.map((shape, i) => {
        const x = tape.tensor(shape, `x${i}`, type);
        convert(tape, bench.tensor(shape, noise(x.length, i + 1)), x);
        return x;
      });
      const wide = narrow.map((x) => {
        const same = bench.tensor(x.shape, []);
        convert(tape, x, same);
        return same;
      });
      const gradients = [narrow, wide].map((inputs) =>
        inputs.map((input) => {
          const gradient = bench.tensor(input.shape, new Float32Array(input.length).fill(1));
          tape.bindGradient(input, gradient);
          return gradient;
        }),
      );
      const results = [narrow, wide].map((inputs) => {
        const y = record(bench, inputs);
        bench.seedGradient(y, noise(y.length, 7));
        return y;
      });
      expect(results.map((y) => y.type)).toEqual([type, 'f32']);
      const read = results.map((y) => {
        const stored = tape.tensor(y.shape, 'stored', type);
        const out = bench.tensor(y.shape, []);
        convert(tape, y, stored);
        convert(tape, stored, out);
        return out;
      });
      tape.backward();
      await bench.run();
      const valuesOf = async (tensors: readonly Tensor[]) =>
        Promise.all(tensors.map((t) => bench.read(t)));
      const [got, want] = await valuesOf(read);
      expect(got!.some((value) => value !== 0)).toBe(true);
      expect(got).toEqual(want);
      expect(await valuesOf(gradients[0]!)).toEqual(await valuesOf(gradients[1]!));
    },
  );
});

it.each([
  ['bf16', false],
  ['bf16', true],
  ['f16', true],
] as const)('attention reads and writes %s, gated: %s', async (type, isGated) => {
  const bench = lab.bench();
  const { tape } = bench;
  const documents = bench.tensor([32], new Array(32).fill(0), 'u32');
  const heads = [32, 16, 16, 32].map((width, i) => {
    const x = tape.tensor([32, width], `heads ${i}`, type);
    convert(tape, bench.tensor([32, width], noise(32 * width, i + 1)), x);
    const same = bench.tensor([32, width], []);
    convert(tape, x, same);
    return [x, same] as const;
  });
  const read = ([0, 1] as const).map((i) => {
    const [q, k, v, gate_TH] = heads.map((pair) => pair[i]) as [Tensor, Tensor, Tensor, Tensor];
    const options = isGated ? { ...attend, gate_TH } : attend;
    const { y_TH } = attention(tape, q, k, v, documents, options);
    expect(y_TH.type).toBe(i === 0 ? type : 'f32');
    const stored = tape.tensor(y_TH.shape, 'stored', type);
    const out = bench.tensor(y_TH.shape, []);
    convert(tape, y_TH, stored);
    convert(tape, stored, out);
    return out;
  });
  await bench.run();
  expect(await bench.read(read[0]!)).toEqual(await bench.read(read[1]!));
});

/** What these adapters can do; those left out are the same kernels with other sizes. */
const isOffered = (variant: string, others = ['subgroup32']) =>
  !others.includes(variant) && (!/^subgroup\d/.test(variant) || lab.open().subgroupSize >= 8);

it('gives the same bits with every kernel of a product', async () => {
  const bench = lab.bench();
  const { tape } = bench;
  const sizes = { form: 'nt', batch: 1, M: 36, N: 44, K: 24 } as const;
  const [a, b] = [36, 44].map((rows) => {
    const x = tape.tensor([rows, 24], 'x', 'bf16');
    convert(tape, bench.tensor([rows, 24], noise(24 * rows, rows)), x);
    return x;
  }) as [Tensor, Tensor];
  const variants = (Object.keys(matmulVariants) as MatmulVariant[]).filter(
    (variant) =>
      isOffered(variant, ['shared64', 'shared128', 'subgroup32']) &&
      matmulVariants[variant].fits(sizes),
  );
  const results = variants.map((variant) => {
    const c = tape.tensor([36, 44], 'c', 'bf16');
    matmul(tape, { ...sizes, a, b, into: { tensor: c, add: 0 }, variant });
    const out = bench.tensor([36, 44], []);
    convert(tape, c, out);
    return out;
  });
  await bench.run();
  expect(results.length).toBeGreaterThan(3);
  const want = await bench.read(results[0]!);
  for (const [i, result] of results.entries())
    expect(await bench.read(result), variants[i]).toEqual(want);
});

it('gives the same bits with every kernel of experts, both ways', async () => {
  const [T, K, E, F, D] = [20, 2, 3, 32, 24] as const;
  const bench = lab.bench();
  const { tape } = bench;
  const narrow = (shape: readonly number[], seed: number) => {
    const x = tape.tensor(shape, 'x', 'bf16');
    convert(tape, bench.tensor(shape, noise(x.length, seed)), x);
    return x;
  };
  const dispatched = sorted(bench, T, K, E);
  const sides = { R: T * K, E, F, D };
  const fitsAll = (variant: GroupedVariantName) =>
    (['forward', 'dx', 'dw'] as const).every((part) =>
      groupedVariants[variant].fits({ part, ...sides }),
    );
  const variants = (Object.keys(groupedVariants) as GroupedVariantName[]).filter(
    (variant) => isOffered(variant) && fitsAll(variant),
  );
  const results = variants.map((variant) => {
    const x = narrow([T, D], 1);
    const w = narrow([E, F, D], 2);
    const gradients = [x, w].map((tensor) => {
      const gradient = bench.tensor(tensor.shape, new Array(tensor.length).fill(1));
      tape.bindGradient(tensor, gradient);
      return gradient;
    });
    const y = groupedLinear(tape, tokenRows(tape, x, dispatched), w, dispatched, { variant });
    bench.seedGradient(y, noise(y.length, 3));
    const out = bench.tensor(y.shape, []);
    convert(tape, y, out);
    return [out, ...gradients];
  });
  tape.backward();
  await bench.run();
  expect(results.length).toBeGreaterThan(1);
  const valuesOf = (tensors: readonly Tensor[]) => Promise.all(tensors.map((t) => bench.read(t)));
  const want = await valuesOf(results[0]!);
  for (const [i, result] of results.entries())
    expect(await valuesOf(result), variants[i]).toEqual(want);
});
