import { describe, expect, it } from 'vitest';
import {
  growth,
  largestGap,
  median,
  pairedRatio,
  quantile,
  spread,
  summary,
} from '../../bench/statistics';

describe('quantile', () => {
  it('sorts by size and not by letters', () => {
    expect(median([100, 9, 20])).toBe(20);
  });

  it('lies between two neighbours in proportion', () => {
    expect(median([4, 1])).toBe(2.5);
    expect(quantile([0, 10, 20, 30], 0.25)).toBe(7.5);
    expect(quantile([5], 0.9)).toBe(5);
    expect(quantile([3, 1, 2], 1)).toBe(3);
  });

  it('leaves the values as they were, and refuses none', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
    expect(() => median([])).toThrow('at least one');
  });
});

it('summary is not moved by one outlier, and its spread is that of the middle half', () => {
  const calm = summary([10, 10, 11, 12, 12]);
  const rough = summary([10, 10, 11, 12, 9000]);
  expect(rough).toEqual(calm);
  expect(calm).toEqual({ median: 11, low: 10, high: 12, count: 5 });
  expect(spread(calm)).toBeCloseTo(2 / 11, 12);
});

describe('pairedRatio', () => {
  it('compares within rounds, so a busy round changes nothing', () => {
    // The machine is five times slower in the last two rounds; medians apart would say 2.5 and 10.
    expect(pairedRatio([20, 20, 100, 100, 20], [10, 10, 50, 50, 10]).median).toBe(2);
    expect(pairedRatio([20, 100, 100], [10, 50, 10]).median).toBe(2);
  });

  it('is above 1 where ours takes less time', () => {
    expect(pairedRatio([30], [10]).median).toBe(3);
  });

  it('refuses rounds that do not belong together', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow('2 rounds against 1');
  });
});

describe('largestGap', () => {
  it('is the worst place between any two of several', () => {
    expect(
      largestGap([
        [5, 4, 3],
        [5, 4.5, 3],
        [5.25, 4, 3],
      ]),
    ).toBe(0.5);
  });

  it('looks at the common length only', () => {
    expect(
      largestGap([
        [1, 2],
        [1, 2, 99],
      ]),
    ).toBe(0);
  });

  it('agrees with nothing that is not a number', () => {
    expect(largestGap([[1], [Number.NaN]]) <= 1e9).toBe(false);
  });
});

it('growth finds the power of a power law, whatever its factor', () => {
  const points = [1, 2, 4, 8].map((x) => ({ x, y: 7 * x ** 1.5 }));
  expect(growth(points)).toBeCloseTo(1.5, 12);
  expect(growth([1, 10, 100].map((x) => ({ x, y: 3 })))).toBeCloseTo(0, 12);
});
