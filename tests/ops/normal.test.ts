import { describe, expect, it } from 'vitest';
import { normal, normalLive } from '@/engine/ops/normal';
import { distributions, normalAt, philox } from '../reference/normal';
import { expectClose } from '../support/close';
import { openLab } from '../support/lab';

const SEED = [0x9e3779b9, 7] as const;
const lab = openLab();
const count = 1_000_000;

type Distribution = keyof typeof distributions;

async function drawn(
  distribution: Distribution,
  length: number,
  { sigma = 1, stream = 0, seed = SEED as readonly [number, number] } = {},
): Promise<Float32Array> {
  const bench = lab.bench();
  const live = bench.live.block('seed', normalLive);
  live.set({ seedLow: seed[0], seedHigh: seed[1] });
  const values = bench.tensor([length], new Float32Array(length).fill(Number.NaN));
  normal(bench.tape, values, { distribution, sigma, stream }, live);
  await bench.run();
  return (await bench.read(values)) as Float32Array;
}

const mean = (values: Float32Array, power: number): number =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

describe('normal', () => {
  it('has a reference generator that gives the published answers', () => {
    // Philox4x32-10 of the known-answer file that comes with Random123.
    const ones = 0xffff_ffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(
      philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    ).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
  });

  describe.each(['truncated', 'normal'] as const)('%s', (distribution) => {
    // one element; off the vec4 grid; off the workgroup grid
    it.each([1, 6, 259, 4001])(
      'equals the float64 reference element by element, N=%i',
      async (N) => {
        for (const stream of [0, 0xffff_fff0]) {
          const got = await drawn(distribution, N, { sigma: 0.25, stream });
          const want = got.map((_, i) => 0.25 * normalAt(i, distribution, stream, SEED));
          expectClose(got, want, { rtol: 2e-6, atol: 0 });
        }
      },
    );

    it('follows its distribution function: Kolmogorov-Smirnov', async () => {
      const sorted = (await drawn(distribution, count)).sort();
      let gap = 0;
      sorted.forEach((value, i) => {
        const share = distributions[distribution](value);
        gap = Math.max(gap, (i + 1) / count - share, share - i / count);
      });
      expect(gap * Math.sqrt(count)).toBeLessThan(1.63); // passed by one seed of a hundred
    });

    it('gives the same bits every time, and a shorter tensor the beginning of a longer one', async () => {
      const values = await drawn(distribution, 1000, { stream: 3 });
      expect(await drawn(distribution, 1000, { stream: 3 })).toEqual(values);
      expect(await drawn(distribution, 333, { stream: 3 })).toEqual(values.slice(0, 333));
    });
  });

  it('has the moments and bounds of the cut normal', async () => {
    const values = await drawn('truncated', count);
    // Of a standard normal cut at 3: variance 1 - 6 phi(3) / (2 Phi(3) - 1), fourth moment from it.
    const pull = (6 * Math.exp(-4.5)) / Math.sqrt(2 * Math.PI) / 0.99730020393674;
    const variance = 1 - pull;
    const fourth = 3 * variance - 9 * pull;
    const sixth = 5 * fourth - 81 * pull;
    const within = 4 / Math.sqrt(count); // four standard errors, of a draw of unit size
    expect(Math.abs(mean(values, 1))).toBeLessThan(within * Math.sqrt(variance));
    const spread = Math.sqrt(fourth - variance ** 2);
    expect(Math.abs(mean(values, 2) - variance)).toBeLessThan(within * spread);
    expect(Math.abs(mean(values, 3))).toBeLessThan(within * Math.sqrt(sixth));
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(3);
    expect(largest).toBeGreaterThan(2.99);
  });

  it('has the moments and tails of the whole normal', async () => {
    const values = await drawn('normal', count);
    // Even moments of a standard normal are 1, 3, 15, 105, 10395 at the powers 2, 4, 6, 8, 12.
    const within = 4 / Math.sqrt(count);
    expect(Math.abs(mean(values, 1))).toBeLessThan(within);
    expect(Math.abs(mean(values, 2) - 1)).toBeLessThan(within * Math.sqrt(3 - 1));
    expect(Math.abs(mean(values, 3))).toBeLessThan(within * Math.sqrt(15));
    expect(Math.abs(mean(values, 4) - 3)).toBeLessThan(within * Math.sqrt(105 - 9));
    for (const cut of [3, 4]) {
      const expected = 2 * count * distributions.normal(-cut);
      const beyond = values.reduce((n, value) => n + Number(Math.abs(value) > cut), 0);
      expect(Math.abs(beyond - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
    const far = [...values.keys()].filter((i) => Math.abs(values[i]!) > 3.5);
    const want = far.map((i) => normalAt(i, 'normal', 0, SEED));
    expect(Math.max(...want)).toBeGreaterThan(4.5);
    expect(Math.min(...want)).toBeLessThan(-4.5);
    const got = far.map((i) => values[i]!);
    expectClose(got, want, { rtol: 2e-6, atol: 0 });
  });

  it('draws streams and seeds that know nothing of each other', async () => {
    const base = await drawn('truncated', count);
    const others = [
      await drawn('truncated', count, { stream: 1 }),
      await drawn('truncated', count, { seed: [SEED[0], 8] }),
      await drawn('truncated', count, { seed: [SEED[0] + 1, 7] }),
    ];
    for (const other of others) {
      const correlation = base.reduce((sum, value, i) => sum + value * other[i]!, 0) / count;
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(count));
    }
    const neighbours = base.reduce((sum, value, i) => sum + value * (base[i + 1] ?? 0), 0) / count;
    expect(Math.abs(neighbours)).toBeLessThan(4 / Math.sqrt(count));
  });

  it('refuses a tensor that is not flat', () => {
    const bench = lab.bench();
    const live = bench.live.block('seed', normalLive);
    const call = () =>
      normal(
        bench.tape,
        bench.tensor([2, 3], []),
        { distribution: 'normal', sigma: 1, stream: 0 },
        live,
      );
    expect(call).toThrow('normal values: want 1 axes, got [2, 3]');
  });
});
