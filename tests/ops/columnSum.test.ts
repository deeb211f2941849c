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

it('splits long sums into at most 64 chunks', () => {
  expect([1, 32, 33, 100_000].map(chunkCount)).toEqual([1, 1, 2, 64]);
});
