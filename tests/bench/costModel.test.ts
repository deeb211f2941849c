import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CostPoint, fitCosts, modelled } from '../../scripts/costModel';
import { costData, costPlot } from '../../scripts/costPlot';

const truth = { fixed: 4e6, perWeightByte: 2, perActivationByte: 0.5, error: 0 };

/** A sweep whose times follow `truth`, each off by a factor of `noise`. */
function sweep(name: string, sizes: readonly (readonly number[])[], noise: number): CostPoint[] {
  const points = sizes.map(([flops, weightBytes, activationBytes], x) => ({
    sweep: name,
    x: x + 1,
    ratio: { median: 1, low: 1, high: 1 },
    flops: flops!,
    weightBytes: weightBytes!,
    activationBytes: activationBytes!,
  }));
  const first = modelled(truth, points[0]!);
  return points.map((point, i) => {
    const off = i === 0 ? 1 : i % 2 ? 1 + noise : 1 / (1 + noise);
    const median = (modelled(truth, point) / first) * off;
    return { ...point, ratio: { median, low: median, high: median } };
  });
}

const points = (noise: number) => [
  ...sweep(
    'tokens',
    [1, 2, 4, 8].map((n) => [n * 1e6, 1e5, n * 1e6]),
    noise,
  ),
  ...sweep(
    'experts',
    [1, 2, 4, 8].map((n) => [4e6, n * 1e6, 4e6]),
    noise,
  ),
  ...sweep(
    'width',
    [1, 2, 4].map((n) => [n * n * 4e6, n * n * 1e5, n * 1e6]),
    noise,
  ),
];

describe('the model of costs', () => {
  it('finds what made the times, though each sweep has a scale of its own', () => {
    const model = fitCosts(points(0));
    expect(model.fixed / truth.fixed).toBeCloseTo(1, 2);
    expect(model.perWeightByte / truth.perWeightByte).toBeCloseTo(1, 2);
    expect(model.perActivationByte / truth.perActivationByte).toBeCloseTo(1, 2);
    expect(model.error).toBeLessThan(1e-3);
  });

  it('says how far off it is', () => {
    const { error } = fitCosts(points(0.1));
    expect(error).toBeGreaterThan(0.02);
    expect(error).toBeLessThan(0.1);
  });

  it('has no negative part', () => {
    const steep = sweep(
      'tokens',
      [1, 2, 4].map((n) => [n * 1e6, 0, 0]),
      0,
    ).map((point, i) => ({
      ...point,
      ratio: { median: 3 ** i, low: 3 ** i, high: 3 ** i },
    }));
    const { fixed, perWeightByte, perActivationByte } = fitCosts(steep);
    for (const part of [fixed, perWeightByte, perActivationByte]) expect(part).toBe(0);
  });
});

describe('the plot of costs', () => {
  it('is that of its data: npm run docs', () => {
    const data = JSON.parse(readFileSync('docs/costs.json', 'utf8'));
    expect(readFileSync('docs/costs.svg', 'utf8')).toBe(costPlot(data));
  });

  it('takes ratios within rounds from a report', () => {
    const step = (x: number, rounds: number[]) => ({
      sweep: { of: 'tokens', x },
      rounds,
      flops: x,
      bytes: { weights: 2, activations: 3 },
    });
    const report = {
      date: '2020-01-02T00:00:00.000Z',
      adapter: { name: 'card' },
      options: { repeats: 3 },
      steps: [step(1, [1, 10, 100]), step(2, [2, 20, 400]), { name: 'no sweep' }],
    } as unknown as Parameters<typeof costData>[0];
    const { points, ...rest } = costData(report);
    expect(rest).toEqual({ date: '2020-01-02', adapter: 'card', rounds: 3 });
    expect(points.map(({ ratio }) => ratio.median)).toEqual([1, 2]);
    expect(points[1]).toMatchObject({ x: 2, flops: 2, weightBytes: 2, activationBytes: 3 });
    expect(() => costData({ ...report, steps: [] })).toThrow('no sweeps');
  });
});
