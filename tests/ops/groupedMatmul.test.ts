import { describe, expect, it } from 'vitest';
import { dispatch } from '@/engine/ops/dispatch';
import { groupedLinear, sortedRows, tokenRows } from '@/engine/ops/groupedMatmul';
import { type GroupedVariantName, groupedVariants } from '@/engine/ops/groupedMatmul.variants';
import { dispatch as sorting } from '../reference/dispatch';
import { permuted, groupedLinear as reference } from '../reference/groupedMatmul';
import { roundedExperts } from '../reference/mxfp8';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();
const plusOne = (g: Float64Array) => g.map((v) => v + 1);

// odd widths; whole vec4s with an idle expert; everything on one expert over several blocks of 32 rows
const cases = [
  { T: 5, K: 1, E: 1, F: 3, D: 5, pick: () => 0 },
  { T: 11, K: 3, E: 5, F: 6, D: 7, pick: (r: number) => (r * r) % 4 },
  { T: 40, K: 2, E: 6, F: 12, D: 8, pick: (r: number) => (r * 7) % 5 },
  { T: 50, K: 1, E: 4, F: 4, D: 4, pick: () => 2 },
  { T: 35, K: 2, E: 3, F: 36, D: 4, pick: (r: number) => r % 3 },
  // off the edges of tiles in every direction
  { T: 21, K: 2, E: 2, F: 36, D: 44, pick: (r: number) => Number(r % 8 === 3) },
  // three blocks of one expert
  { T: 66, K: 2, E: 2, F: 32, D: 36, pick: (r: number) => Number(r % 8 === 3) },
];

// The others are held to these by the bits, below.
const choices: readonly { variant?: GroupedVariantName }[] = [{ variant: 'plain' }, {}];

describe.each(choices)('groupedLinear, %o', (choice) => {
  it.each(cases)(
    'reads tokens, both ways: T=$T K=$K E=$E F=$F D=$D',
    async ({ T, K, E, F, D, pick }) => {
      const selected = Uint32Array.from({ length: T * K }, (_, r) => pick(r));
      const { source } = sorting(selected, E);
      const x = noise(T * D, 1);
      const w = noise(E * F * D, 2);
      const dy = noise(T * K * F, 3);
      const run = () => permuted(reference(x, w, selected, { F, D, K }), source, F);
      const loss = () => run().reduce((sum, y, i) => sum + y * dy[i]!, 0);
      const bench = lab.bench();
      const xs = bench.parameter([T, D], x);
      const ws = bench.parameter([E, F, D], w);
      const counts = bench.tensor([1, E], [], 'u32');
      const dispatched = dispatch(bench.tape, bench.tensor([T, K], selected, 'u32'), counts, 0);
      const rows = tokenRows(bench.tape, xs.value, dispatched);
      const y = bench.tape.keep(groupedLinear(bench.tape, rows, ws.value, dispatched, choice));
      bench.seedGradient(y, dy);
      bench.tape.backward();
      await bench.run();
      expectClose(await bench.read(y), run(), { rtol: 1e-5, atol: 1e-6 }, 'y');
      const tolerance = { rtol: 1e-4, atol: 1e-5 };
      expectClose(await bench.read(xs.gradient), plusOne(gradient(loss, x)), tolerance, 'dx');
      expectClose(await bench.read(ws.gradient), plusOne(gradient(loss, w)), tolerance, 'dw');
    },
  );

  // odd widths; an expert with three blocks of rows, one with none; widths of more than a block
  it.each([
    { T: 11, K: 3, E: 5, F: 6, D: 7, pick: (r: number) => (r * r) % 4 },
    { T: 60, K: 2, E: 3, F: 40, D: 36, pick: (r: number) => (r % 4 === 0 ? 0 : 2) },
  ])(
    'rounds the inputs of all three products in MXFP8: T=$T K=$K E=$E F=$F D=$D',
    async ({ T, K, E, F, D, pick }) => {
      const selected = Uint32Array.from({ length: T * K }, (_, r) => pick(r));
      const { source, sorted, counts } = sorting(selected, E);
      const spread = (v: number) => Math.fround(v ** 9);
      const x = noise(T * D, 1).map(spread);
      const w = noise(E * F * D, 2).map(spread);
      const dy = noise(T * K * F, 3).map(spread);
      const choices = Float64Array.from(
        { length: T * K * D },
        (_, i) => x[Math.floor(i / D / K) * D + (i % D)]!,
      );
      const rowsOf = permuted(choices, source, D);
      const want = roundedExperts({ x: rowsOf, w, dy, counts, F, D });
      const bench = lab.bench();
      const xs = bench.parameter([T, D], x);
      const own = bench.parameter([T * K, D], rowsOf);
      const weights = [bench.parameter([E, F, D], w), bench.parameter([E, F, D], w)];
      const ids = bench.tensor([T, K], selected, 'u32');
      const dispatched = dispatch(bench.tape, ids, bench.tensor([1, E], [], 'u32'), 0);
      const inputs = [tokenRows(bench.tape, xs.value, dispatched), sortedRows(own.value)];
      const options = { precision: 'mxfp8', ...choice } as const;
      const outputs = inputs.map((rows, i) => {
        const y = groupedLinear(bench.tape, rows, weights[i]!.value, dispatched, options);
        bench.seedGradient(y, dy);
        return bench.tape.keep(y);
      });
      bench.tape.backward();
      await bench.run();
      const tolerance = { rtol: 1e-5, atol: 1e-6 };
      for (const [i, y] of outputs.entries()) {
        expectClose(await bench.read(y), want.y, tolerance, 'y');
        expectClose(await bench.read(weights[i]!.gradient), plusOne(want.dw), tolerance, 'dw');
      }
      expectClose(await bench.read(own.gradient), plusOne(want.dx), tolerance, 'dx of rows');
      const summed = x.map((_, i) => {
        const [t, d] = [Math.floor(i / D), i % D];
        let sum = 1;
        for (let k = 0; k < K; k++) sum += want.dx[sorted[t * K + k]! * D + d]!;
        return sum;
      });
      expectClose(await bench.read(xs.gradient), summed, tolerance, 'dx of tokens');
    },
  );

  it('adds the gradients of two products up, and no expert writes into the rows of the next', async () => {
    const [T, K, E, F, D] = [23, 2, 5, 8, 4];
    const selected = Uint32Array.from({ length: T * K }, (_, r) => (r * 3) % E);
    const { source } = sorting(selected, E);
    const x = noise(T * D, 1);
    const weights = [noise(E * F * D, 2), noise(E * F * D, 3)] as const;
    const dys = [noise(T * K * F, 4), noise(T * K * F, 5)] as const;
    const loss = () =>
      weights.reduce((sum, w, i) => {
        const y = permuted(reference(x, w, selected, { F, D, K }), source, F);
        return sum + y.reduce((part, value, j) => part + value * dys[i]![j]!, 0);
      }, 0);
    const bench = lab.bench();
    const xs = bench.parameter([T, D], x);
    const dispatched = dispatch(
      bench.tape,
      bench.tensor([T, K], selected, 'u32'),
      bench.tensor([1, E], [], 'u32'),
      0,
    );
    const rows = tokenRows(bench.tape, xs.value, dispatched);
    weights.forEach((w, i) => {
      const { value } = bench.parameter([E, F, D], w);
      bench.seedGradient(groupedLinear(bench.tape, rows, value, dispatched, choice), dys[i]!);
    });
    bench.tape.backward();
    await bench.run();
    const want = plusOne(gradient(loss, x));
    expectClose(await bench.read(xs.gradient), want, { rtol: 1e-4, atol: 2e-5 }, 'dx');
  });

  it('reads rows of its own', async () => {
    const [T, K, E, F, D] = [20, 2, 3, 8, 4];
    const selected = Uint32Array.from({ length: T * K }, (_, r) => (r * 5) % 3);
    const { source } = sorting(selected, E);
    const inTokenOrder = noise(T * K * D, 1);
    const w = noise(E * F * D, 2);
    const bench = lab.bench();
    const dispatched = dispatch(
      bench.tape,
      bench.tensor([T, K], selected, 'u32'),
      bench.tensor([1, E], [], 'u32'),
      0,
    );
    const x = bench.tensor([T * K, D], permuted(inTokenOrder, source, D));
    const y = groupedLinear(
      bench.tape,
      sortedRows(x),
      bench.tensor([E, F, D], w),
      dispatched,
      choice,
    );
    bench.tape.keep(y);
    await bench.run();
    const want = permuted(reference(inTokenOrder, w, selected, { F, D, K: 1 }), source, F);
    expectClose(await bench.read(y), want, { rtol: 1e-5, atol: 1e-6 });
  });
});

/** Variants that the adapter can run, the plain one first; subgroup32 is the same kernel with wider workgroups. */
const compared = () =>
  (Object.keys(groupedVariants) as GroupedVariantName[]).filter(
    (name) =>
      name !== 'subgroup32' && (!name.startsWith('subgroup') || lab.open().subgroupSize >= 8),
  );

it('reaches more blocks of rows than workgroups fit along one axis', async () => {
  const [E, F, D] = [65_600, 4, 4]; // a row for each expert, which is a block of its own
  const firsts = Uint32Array.from({ length: E + 1 }, (_, e) => e);
  const bench = lab.bench();
  const segments = bench.tensor([2 * (E + 1)], [...firsts, ...firsts], 'u32');
  const source_R = bench.tensor([E], firsts.subarray(0, E), 'u32');
  const [a, b] = [E * D, E * F * D].map((length) => bench.tensor([length], noise(length, length)));
  const results = compared().map((variant) => {
    const c = bench.tensor([E * F], []);
    const product = { part: 'forward', R: E, E, F, D, a: a!, b: b!, gather: 0 } as const;
    const into = { tensor: c, add: 0 } as const;
    groupedVariants[variant].record(bench.tape, {
      ...product,
      into,
      dispatched: { segments, source_R },
    });
    return { variant, c };
  });
  await bench.run();
  const [want, ...others] = await Promise.all(results.map(({ c }) => bench.read(c)));
  expect(want!.subarray(-F).every((y) => y !== 0)).toBe(true);
  for (const [i, got] of others.entries()) expect(got, results[i + 1]!.variant).toEqual(want);
});

// widths off every tile, over more than one of each; experts without rows, with one, with several blocks and no whole
// fours of them
it.each([
  { F: 132, D: 196, pick: (r: number) => (r % 7 === 4 ? 3 : 1) },
  { F: 36, D: 44, pick: (r: number) => (r % 9 === 4 ? 3 : r === 1 ? 0 : 1) },
  { F: 4, D: 8, pick: (r: number) => r % 4 },
])('gives the same bits with every variant: F=$F D=$D', async ({ F, D, pick }) => {
  const [T, K, E] = [67, 2, 5];
  const selected = Uint32Array.from({ length: T * K }, (_, r) => pick(r));
  const names = compared();
  const bench = lab.bench();
  const ids = bench.tensor([T, K], selected, 'u32');
  const dispatched = dispatch(bench.tape, ids, bench.tensor([1, E], [], 'u32'), 0);
  const results = names.map((variant) => {
    const fresh = bench.parameter([E, F, D], noise(E * F * D, 2), Number.NaN);
    const xs = bench.parameter([T * K, D], noise(T * K * D, 1));
    const tokens = bench.parameter([T, D], noise(T * D, 4));
    const ws = bench.parameter([E, F, D], noise(E * F * D, 2));
    const rows = [sortedRows(xs.value), tokenRows(bench.tape, tokens.value, dispatched)];
    const outputs = rows.map((row) => {
      const y = groupedLinear(bench.tape, row, ws.value, dispatched, { variant });
      bench.seedGradient(y, noise(T * K * F, 3));
      return bench.tape.keep(y);
    });
    const y = groupedLinear(bench.tape, rows[1]!, fresh.value, dispatched, { variant });
    bench.seedGradient(y, noise(T * K * F, 3));
    return [...outputs, xs.gradient, tokens.gradient, ws.gradient, fresh.gradient];
  });
  bench.tape.backward();
  await bench.run();
  const [want, ...others] = await Promise.all(
    results.map((tensors) => Promise.all(tensors.map((tensor) => bench.read(tensor)))),
  );
  expect(want!.flatMap((values) => [...values]).every(Number.isFinite)).toBe(true);
  for (const [i, got] of others.entries()) expect(got, names[i + 1]).toEqual(want);
});
