import { describe, expect, it } from 'vitest';
import { History } from '@/ui/state/history';

describe('a history', () => {
  it('has a column for each step while there is room', () => {
    const history = new History(2, 8);
    history.add(1, [3, 4]);
    history.add(2, [5, 6]);
    expect(history.columnCount).toBe(3);
    expect([history.at(2, 0), history.at(2, 1)]).toEqual([5, 6]);
    expect([history.has(0), history.has(1), history.has(2), history.has(3)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('averages columns in pairs when it is full, and never grows over its capacity', () => {
    const history = new History(1, 4);
    for (let step = 0; step < 5; step++) history.add(step, [step]);
    expect(history.stride).toBe(2);
    expect([0, 1, 2].map((column) => history.at(column, 0))).toEqual([0.5, 2.5, 4]);
    for (let step = 5; step < 1000; step++) history.add(step, [step]);
    expect(history.columnCount).toBeLessThanOrEqual(4);
    expect(history.stride).toBe(256);
    expect(history.at(0, 0)).toBeCloseTo(127.5, 3);
    expect(history.at(3, 0)).toBeCloseTo((768 + 999) / 2, 2);
  });

  it('weighs columns by the steps that were written', () => {
    const history = new History(1, 2);
    history.add(0, [10]);
    // Nobody watched at step 1.
    history.add(2, [4]);
    expect(history.at(0, 0)).toBe(10);
    history.add(4, [1]);
    expect(history.stride).toBe(4);
    expect(history.at(0, 0)).toBe(7);
    expect(history.at(1, 0)).toBe(1);
  });

  it('takes a first step far away without losing its place', () => {
    const history = new History(1, 16);
    history.add(1_000_000, [7]);
    const column = history.columnOf(1_000_000);
    expect(column).toBeLessThan(16);
    expect(history.at(column, 0)).toBe(7);
    expect(history.has(column - 1)).toBe(false);
  });

  it('forgets columns after a step, and takes those steps again', () => {
    const history = new History(1, 64);
    for (let step = 0; step < 20; step++) history.add(step, [step]);
    history.truncateAfter(9);
    expect(history.columnCount).toBe(10);
    history.add(10, [-1]);
    expect(history.at(10, 0)).toBe(-1);
    expect(history.has(11)).toBe(false);
  });
});
