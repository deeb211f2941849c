import { describe, expect, it } from 'vitest';
import { loads, selection, shares } from '../../bench/routing';

const countsOf = (chosen: Uint32Array, E: number): number[] => {
  const counts = new Array<number>(E).fill(0);
  for (const e of chosen) counts[e]!++;
  return counts;
};

describe('loads', () => {
  it.each(loads)('%s: every row has an expert, and each its share to within a row', (load) => {
    const [E, rows] = [6, 500];
    const counts = countsOf(selection(load, E, rows), E);
    const share = shares(load, E);
    expect(share.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (const [e, count] of counts.entries()) {
      expect(Math.abs(count - share[e]! * rows)).toBeLessThanOrEqual(1);
    }
  });

  it('are what they are called', () => {
    expect(shares('even', 4)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(shares('one', 3)).toEqual([1, 0, 0]);
    const zipf = shares('zipf', 5);
    for (const [e, share] of zipf.entries()) expect(zipf[0]! / share).toBeCloseTo(e + 1, 12);
  });

  it('mix experts as a batch does, instead of one after the other', () => {
    const chosen = selection('zipf', 4, 100);
    const changes = chosen.filter((e, i) => i > 0 && e !== chosen[i - 1]).length;
    expect(changes).toBeGreaterThan(50);
  });
});
