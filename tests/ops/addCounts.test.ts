import { expect, it } from 'vitest';
import { addCounts } from '@/engine/ops/addCounts';
import { openLab } from '../support/lab';

const lab = openLab();

// one; odd; more than float32 tells apart; over 65,535 workgroups of 64
it.each([
  [[1], 1],
  [[3, 67], 2 ** 26 + 1],
  [[2, 2_097_185], 5],
] as const)('adds to what is there, exactly: shape %o', async (shape, start) => {
  const bench = lab.bench();
  const N = shape.reduce<number>((a, b) => a * b, 1);
  const counts = Uint32Array.from({ length: N }, (_, n) => n % 1013);
  const total = bench.tensor(shape, new Uint32Array(N).fill(start), 'u32');
  addCounts(bench.tape, bench.tensor(shape, counts, 'u32'), total);
  await bench.run();
  const got = await bench.read(total);
  expect(got.findIndex((value, n) => value !== start + counts[n]!)).toBe(-1);
});

it('refuses another shape, naming both', () => {
  const bench = lab.bench();
  const counts = bench.tensor([2, 3], [], 'u32');
  expect(() => addCounts(bench.tape, counts, bench.tensor([3, 2], [], 'u32'))).toThrow(
    'addCounts total: want [2, 3], got [3, 2]',
  );
});
