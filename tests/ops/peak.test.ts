import { describe, expect, it } from 'vitest';
import { copyAll, multiplyAdds } from '@/engine/ops/peak';
import { multiplyAdds as reference } from '../reference/peak';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

describe('multiplyAdds', () => {
  it.each([1, 3])(
    'does four rounds of every sum in each of %i, and says how many',
    async (rounds) => {
      const bench = lab.bench();
      const seeds = [0.75, 0.5] as const;
      const sums = bench.tensor([128], new Float32Array(128).fill(Number.NaN));
      const flops = multiplyAdds(bench.tape, bench.tensor([2], seeds), sums, rounds);
      // three vectors of four, four times a round, two operations each
      expect(flops).toBe(128 * rounds * 4 * 12 * 2);
      await bench.run();
      expectClose(await bench.read(sums), reference(seeds, 128, rounds), {
        rtol: 2e-6,
        atol: 1e-6,
      });
    },
  );

  it('refuses threads that are no whole workgroups', () => {
    const bench = lab.bench();
    const [seeds, sums] = [bench.tensor([2], [0, 0]), bench.tensor([65], new Float32Array(65))];
    expect(() => multiplyAdds(bench.tape, seeds, sums, 1)).toThrow('want a multiple of 64, got 65');
  });
});

describe('copyAll', () => {
  // one thread; a workgroup that is not full; more than one
  it.each([4, 100, 1028])('copies %i elements, and says how many bytes moved', async (N) => {
    const bench = lab.bench();
    const values = Float32Array.from(noise(N, 1));
    const copied = bench.tensor([N], new Float32Array(N));
    expect(copyAll(bench.tape, bench.tensor([N], values), copied)).toBe(8 * N);
    await bench.run();
    expect([...(await bench.read(copied))]).toEqual([...values]);
  });

  it('refuses elements that are no whole fours', () => {
    const bench = lab.bench();
    const [source, copied] = [5, 5].map((n) => bench.tensor([n], new Float32Array(n)));
    expect(() => copyAll(bench.tape, source!, copied!)).toThrow('want a multiple of 4, got 5');
  });
});
