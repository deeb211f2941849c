import { describe, expect, it } from 'vitest';
import { transpose } from '@/engine/ops/transpose';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe('transpose', () => {
  // one block; one row of blocks; more blocks than a workgroup, several matrices
  it.each([
    { batch: 1, N: 4, K: 4 },
    { batch: 1, N: 4, K: 20 },
    { batch: 3, N: 36, K: 44 },
  ])('moves every element: %o', async (shape) => {
    const { batch, N, K } = shape;
    const x = Float32Array.from(noise(batch * N * K, 1));
    const bench = lab.bench();
    const y = bench.tape.keep(transpose(bench.tape, bench.tensor([batch, N, K], x), shape));
    await bench.run();
    const want = Float32Array.from({ length: x.length }, (_, i) => {
      const [b, k, n] = [Math.floor(i / (N * K)), Math.floor(i / N) % K, i % N];
      return x[b * N * K + n * K + k]!;
    });
    expect([...(await bench.read(y))]).toEqual([...want]);
  });

  it('refuses sizes that are not whole fours', () => {
    const bench = lab.bench();
    const x = bench.tensor([5, 4], new Float64Array(20));
    expect(() => transpose(bench.tape, x, { batch: 1, N: 5, K: 4 })).toThrow(RangeError);
  });
});
