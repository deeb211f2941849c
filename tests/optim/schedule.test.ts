import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '@/engine/config/settings';
import { biasCorrection, learningRateFactor, muonCoefficients } from '@/engine/optim/schedule';

const schedule = {
  ...defaultSettings.schedule,
  warmupSteps: 4,
  decay: 'linear',
  decayStart: 10,
  totalSteps: 20,
  finalRatio: 0.2,
} as const;

describe('learningRateFactor', () => {
  it('warms up from one step of the warm-up to the peak', () => {
    expect([0, 1, 2, 3, 4].map((step) => learningRateFactor(step, schedule))).toEqual([
      0.25, 0.5, 0.75, 1, 1,
    ]);
    expect(learningRateFactor(0, { ...schedule, warmupSteps: 0 })).toBe(1);
  });

  it('decays linearly from the start of the decay to the final share, and stays there', () => {
    const factors = [9, 10, 15, 20, 500].map((step) => learningRateFactor(step, schedule));
    [1, 1, 0.6, 0.2, 0.2].forEach((want, i) => {
      expect(factors[i]).toBeCloseTo(want, 12);
    });
  });

  it('decays along half a cosine', () => {
    const cosine = { ...schedule, decay: 'cosine' } as const;
    const quarter = 0.2 + (0.8 * (1 + Math.SQRT1_2)) / 2;
    const wanted = [1, quarter, 0.6, 0.2, 0.2];
    [10, 12.5, 15, 20, 99].forEach((step, i) => {
      expect(learningRateFactor(step, cosine)).toBeCloseTo(wanted[i]!, 12);
    });
  });

  it('stays at the peak without a decay', () => {
    expect(learningRateFactor(1e6, { ...schedule, decay: 'none' })).toBe(1);
  });

  it('lets the warm-up end before a decay that starts within it', () => {
    const late = { ...schedule, warmupSteps: 16 };
    expect(learningRateFactor(11, late)).toBe(0.75);
    expect(learningRateFactor(16, late)).toBeCloseTo(1 - 0.8 * 0.6, 12);
  });

  it('is over at once where the decay ends before it starts', () => {
    for (const decay of ['linear', 'cosine'] as const) {
      const backwards = { ...schedule, decay, decayStart: 20, totalSteps: 20 };
      expect(learningRateFactor(19, backwards)).toBe(1);
      expect(learningRateFactor(20, backwards)).toBeCloseTo(0.2, 12);
    }
  });

  it('lies between 0 and 1 for every schedule', () => {
    const count = fc.nat(50);
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.record({
          warmupSteps: count,
          decay: fc.constantFrom('none', 'linear', 'cosine'),
          decayStart: count,
          totalSteps: fc.integer({ min: 1, max: 50 }),
          finalRatio: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (step, any) => {
          const factor = learningRateFactor(step, { ...schedule, ...any });
          expect(factor >= 0 && factor <= 1 + 1e-12).toBe(true);
        },
      ),
    );
  });
});

describe('biasCorrection', () => {
  it('is one minus a power of beta', () => {
    expect(biasCorrection(0.75, 0)).toBe(0.25);
    expect(biasCorrection(0.75, 1)).toBe(0.4375);
    expect(biasCorrection(0.5, 5000)).toBe(1);
  });

  it('takes beta as float32 has it', () => {
    expect(biasCorrection(0.99999, 0)).toBe(1 - Math.fround(0.99999));
  });
});

describe('muonCoefficients', () => {
  it('repeats the classic triple in all five rounds', () => {
    const values = Object.values(muonCoefficients('classic'));
    expect(values).toEqual(new Array(5).fill([3.4445, -4.775, 2.0315]).flat());
  });

  it('has a triple of its own for each round of dion', () => {
    const { a0, c2, b4 } = muonCoefficients('dion');
    expect([a0, c2, b4]).toEqual([4.0848, 2.3037, -3.0525]);
  });

  it.each(['classic', 'dion'] as const)('%s drives singular values towards 1', (kind) => {
    const values = Object.values(muonCoefficients(kind));
    for (const start of [0.01, 0.1, 0.5, 1]) {
      let x = start;
      for (let round = 0; round < 5; round++) {
        const [a, b, c] = values.slice(3 * round) as [number, number, number];
        x = a * x + b * x ** 3 + c * x ** 5;
      }
      expect(Math.abs(x - 1)).toBeLessThan(0.35);
    }
  });
});
