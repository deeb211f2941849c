import { describe, expect, it } from 'vitest';
import { Curve } from '@/ui/state/curve';

const filled = (count: number, value: (step: number) => number, capacity?: number): Curve => {
  const curve = new Curve(capacity);
  for (let step = 1; step <= count; step++) curve.push(step, value(step));
  return curve;
};

describe('a curve', () => {
  it('holds every point while it is short', () => {
    const curve = filled(50, (step) => step / 2);
    expect(curve.points(400)).toHaveLength(50);
    expect(curve.points(400)[9]).toEqual({ step: 10, value: 5 });
  });

  it('never holds more than its capacity', () => {
    const curve = new Curve(64);
    for (let step = 1; step <= 10_000; step++) {
      curve.push(step, Math.sin(step));
      expect(curve.length).toBeLessThanOrEqual(64);
    }
  });

  it('keeps a single spike, however long the run', () => {
    const curve = filled(20_000, (step) => (step === 777 ? 100 : step % 2), 128);
    const highest = curve.points(60).reduce((a, b) => (b.value > a.value ? b : a));
    expect(highest).toEqual({ step: 777, value: 100 });
    const lowest = filled(20_000, (step) => (step === 4321 ? -3 : 1), 128).points(60);
    expect(lowest).toContainEqual({ step: 4321, value: -3 });
  });

  it('tells at most as many points as asked for, in order, the newest among them', () => {
    const curve = filled(3001, (step) => Math.cos(step));
    for (const limit of [10, 61, 400]) {
      const points = curve.points(limit);
      expect(points.length).toBeLessThanOrEqual(limit);
      expect(points.at(-1)).toEqual({ step: 3001, value: Math.cos(3001) });
      const steps = points.map((point) => point.step);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    }
  });

  it('thins curves with few points far apart as well', () => {
    const curve = new Curve(32);
    for (let step = 0; step < 100_000; step += 500) curve.push(step, step);
    expect(curve.length).toBeLessThanOrEqual(32);
    expect(curve.latest).toEqual({ step: 99_500, value: 99_500 });
  });

  it('keeps a value that is not finite as its newest and out of its line', () => {
    const curve = filled(3, (step) => step);
    curve.push(4, Number.NaN);
    expect(curve.latest?.value).toBeNaN();
    expect(curve.points(10)).toHaveLength(3);
  });

  it('forgets what comes after a step and goes on from there', () => {
    const curve = filled(20, (step) => step);
    curve.truncateAfter(12);
    expect(curve.latest).toEqual({ step: 12, value: 12 });
    curve.push(13, -1);
    expect(curve.points(50).at(-1)).toEqual({ step: 13, value: -1 });
  });

  it('replaces the value of a step that comes again', () => {
    const curve = filled(5, (step) => step);
    curve.push(5, 50);
    expect(curve.points(50).at(-1)).toEqual({ step: 5, value: 50 });
    expect(curve.length).toBe(5);
  });

  it('finds the nearest point of a step', () => {
    const curve = new Curve();
    for (const step of [20, 40, 60]) curve.push(step, step);
    expect(curve.nearest(49)?.step).toBe(40);
    expect(curve.nearest(51)?.step).toBe(60);
    expect(curve.nearest(0)?.step).toBe(20);
    expect(curve.nearest(1e9)?.step).toBe(60);
    expect(new Curve().nearest(3)).toBeUndefined();
  });
});
