import { expect, it } from 'vitest';
import { chunkCount, columnSum } from '@/engine/ops/columnSum';
import { openLab } from '../support/lab';

const lab = openLab();

it.each([
  [1, 1],
  [3, 67],
  [64, 5],
])('sums %i rows of %i columns, overwriting and adding', async (P, N) => {
  const bench = lab.bench();
  const x = bench.tensor(
    [P, N],
    Float32Array.from({ length: P * N }, (_, i) => i % 17),
  );
  const fresh = bench.tensor([N], new Float32Array(N).fill(2));
  const added = bench.tensor([N], new Float32Array(N).fill(2));
  columnSum(bench.tape, x, { tensor: fresh, add: 0 });
  columnSum(bench.tape, x, { tensor: added, add: 1 });
  await bench.run();
  const want = Array.from({ length: N }, (_, n) =>
    Array.from({ length: P }, (_, p) => (p * N + n) % 17).reduce((a, b) => a + b, 0),
  );
  expect([...(await bench.read(fresh))]).toEqual(want);
  expect([...(await bench.read(added))]).toEqual(want.map((v) => v + 2));
});

it('takes the columns that are asked for, and refuses those that are not there', async () => {
  const bench = lab.bench();
  const x = bench.tensor([2, 5], [1, 2, 3, 4, 5, 10, 20, 30, 40, 50]);
  const y = bench.tensor([2], [0, 0]);
  columnSum(bench.tape, x, { tensor: y, add: 0 }, 2);
  await bench.run();
  expect([...(await bench.read(y))]).toEqual([33, 44]);
  const call = () => columnSum(bench.tape, x, { tensor: y, add: 0 }, 4);
  expect(call).toThrow('columnSum x_PN: want 6 columns, got 5');
});

it('splits long sums into at most 64 chunks', () => {
  expect([1, 32, 33, 100_000].map(chunkCount)).toEqual([1, 1, 2, 64]);
});
