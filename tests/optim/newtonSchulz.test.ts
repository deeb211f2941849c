import { describe, expect, it } from 'vitest';
import { muonCoefficients } from '@/engine/optim/newtonSchulz';

/** What five rounds make of a singular value. */
function singularValue(kind: Parameters<typeof muonCoefficients>[0], start: number): number {
  const values = Object.values(muonCoefficients(kind));
  let x = start;
  for (let round = 0; round < 5; round++) {
    const [a, b, c] = values.slice(3 * round) as [number, number, number];
    x = a * x + b * x ** 3 + c * x ** 5;
  }
  return x;
}

/** From 0.01 to 1, evenly in the logarithm. */
const singularValues = Array.from({ length: 401 }, (_, i) => 10 ** (-2 + i / 200));

describe('muonCoefficients', () => {
  it('repeats the classic triple in all five rounds', () => {
    const values = Object.values(muonCoefficients('classic'));
    expect(values).toEqual(new Array(5).fill([3.4445, -4.775, 2.0315]).flat());
  });

  it('has a triple of its own for each round of dion', () => {
    const { a0, c2, b4 } = muonCoefficients('dion');
    expect([a0, c2, b4]).toEqual([4.0848, 2.3037, -3.0525]);
  });

  it('is Polar Express for five rounds, its first one on X / 1.02', () => {
    const { a0, b0, c0, a1, b2, c3, a4 } = muonCoefficients('polarExpress');
    expect(a0 * 1.02).toBeCloseTo(8.156554524902461, 12);
    expect(b0 * 1.02 ** 3).toBeCloseTo(-22.48329292557795, 12);
    expect(c0 * 1.02 ** 5).toBeCloseTo(15.878769915207462, 12);
    expect([a1, b2, c3, a4]).toEqual([
      4.042929935166739, -2.772484153217685, 0.46449024233003106, 2.3465413258596377,
    ]);
  });

  it.each([
    ['classic', 0.65, 1.25],
    ['dion', 0.95, 1.05],
    ['polarExpress', 0.85, 1.15],
  ] as const)('%s brings singular values from 0.01 to 1 between %f and %f', (kind, low, high) => {
    const ends = singularValues.map((start) => singularValue(kind, start));
    expect(Math.min(...ends)).toBeGreaterThan(low);
    expect(Math.max(...ends)).toBeLessThan(high);
  });

  it('keeps more of a tiny singular value with Polar Express than with the others', () => {
    const [classic, dion, polar] = (['classic', 'dion', 'polarExpress'] as const).map((kind) =>
      singularValue(kind, 1e-3),
    ) as [number, number, number];
    expect(polar).toBeGreaterThan(0.8);
    expect(Math.max(classic, dion)).toBeLessThan(0.5);
  });
});
