import { expect, it } from 'vitest';
import { IGNORED } from '@/engine/data/batch';
import { lossSum } from '@/engine/ops/lossSum';
import { openLab } from '../support/lab';

const lab = openLab();

it('adds up valid tokens only, more than one for each thread', async () => {
  const T = 600;
  const bench = lab.bench();
  const live = bench.live.block('loss', { scale: 'f32', z: 'f32' });
  live.set({ scale: 1 / 300, z: 0 });
  const targets = Uint32Array.from({ length: T }, (_, t) => (t % 2 ? IGNORED : 1));
  const stats = Float32Array.from({ length: 4 * T }, (_, i) => [9, 9, 1, 3][i % 4]!);
  const losses = bench.tensor([2], [7, 7]);
  lossSum(bench.tape, bench.tensor([T], targets, 'u32'), bench.tensor([T, 4], stats), losses, live);
  await bench.run();
  const [crossEntropy, squared] = await bench.read(losses);
  expect(crossEntropy).toBeCloseTo(2, 5);
  expect(squared).toBeCloseTo(9, 5);
});
