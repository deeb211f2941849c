import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learningRateFactor } from '@/engine/config/learningRate';
import { defaultSettings } from '@/engine/config/settings';

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

  it('decays a second time, from where the first decay ended, without a warm-up', () => {
    const two = { ...schedule, secondDecay: 'linear', secondEnd: 30, secondRatio: 0.1 } as const;
    const wanted = [1, 0.6, 0.2, 0.15, 0.1, 0.1];
    [10, 15, 20, 25, 30, 500].forEach((step, i) => {
      expect(learningRateFactor(step, two)).toBeCloseTo(wanted[i]!, 12);
    });
    const cosine = { ...two, secondDecay: 'cosine' } as const;
    const quarter = 0.1 + (0.1 * (1 + Math.SQRT1_2)) / 2;
    expect(learningRateFactor(22.5, cosine)).toBeCloseTo(quarter, 12);
    expect(learningRateFactor(25, cosine)).toBeCloseTo(0.15, 12);
    expect(learningRateFactor(15, cosine)).toBeCloseTo(0.6, 12); // the first keeps its own shape
  });

  it('can rise in the second decay, and ends it at once where its end is not after its start', () => {
    const up = { ...schedule, secondDecay: 'linear', secondEnd: 30, secondRatio: 0.4 } as const;
    expect(learningRateFactor(25, up)).toBeCloseTo(0.3, 12);
    const over = { ...up, secondEnd: 20 };
    expect(learningRateFactor(19, over)).toBeCloseTo(0.28, 12);
    expect(learningRateFactor(20, over)).toBeCloseTo(0.4, 12);
  });

  it('has no second decay without a first', () => {
    const alone = { ...schedule, decay: 'none', secondDecay: 'linear', secondEnd: 30 } as const;
    expect(learningRateFactor(25, alone)).toBe(1);
  });

  // dots.llm1: 3e-4 held for 10T tokens, to 3e-5 over 1T, to 1e-5 over 0.2T; here 1,000 steps a trillion.
  it('follows the two anneals of dots.llm1', () => {
    const dots = {
      ...schedule,
      warmupSteps: 40,
      decayStart: 10_000,
      totalSteps: 11_000,
      finalRatio: 0.1,
      secondDecay: 'linear',
      secondEnd: 11_200,
      secondRatio: 1 / 30,
    } as const;
    const rates = [9_999, 10_500, 11_000, 11_100, 11_200].map(
      (step) => 3e-4 * learningRateFactor(step, dots),
    );
    [3e-4, 1.65e-4, 3e-5, 2e-5, 1e-5].forEach((want, i) => {
      expect(rates[i]).toBeCloseTo(want, 12);
    });
  });

  // Hunyuan-Large: warm-up, a long gentle decay, and a tenth of the peak after the last twentieth.
  it('follows the three phases of Hunyuan-Large', () => {
    const hunyuan = {
      ...schedule,
      warmupSteps: 20,
      decay: 'cosine',
      decayStart: 20,
      totalSteps: 950,
      finalRatio: 0.3,
      secondDecay: 'linear',
      secondEnd: 1000,
      secondRatio: 0.1,
    } as const;
    const factors = [19, 485, 950, 975, 1000].map((step) => learningRateFactor(step, hunyuan));
    [1, 0.65, 0.3, 0.2, 0.1].forEach((want, i) => {
      expect(factors[i]).toBeCloseTo(want, 12);
    });
  });

  // Trinity Large: a cosine to a tenth of the peak, and on without a warm-up to a twentieth.
  it('goes on to the context extension of Trinity Large without a new warm-up', () => {
    const large = {
      ...schedule,
      decay: 'cosine',
      finalRatio: 0.1,
      secondDecay: 'cosine',
      secondEnd: 30,
      secondRatio: 0.05,
    } as const;
    const rates = [20, 25, 30].map((step) => 8e-4 * learningRateFactor(step, large));
    [8e-5, 6e-5, 4e-5].forEach((want, i) => {
      expect(rates[i]).toBeCloseTo(want, 12);
    });
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
          secondDecay: fc.constantFrom('none', 'linear', 'cosine'),
          secondEnd: fc.integer({ min: 1, max: 100 }),
          secondRatio: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (step, any) => {
          const factor = learningRateFactor(step, { ...schedule, ...any });
          expect(factor >= 0 && factor <= 1 + 1e-12).toBe(true);
        },
      ),
    );
  });
});
