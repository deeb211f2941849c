import { describe, expect, it } from 'vitest';
import { defaultSettings, type Settings } from '@/engine/config/settings';
import { expertRateFactor } from '@/engine/optim/expertRate';

/** Steps of 256 tokens; one expert sees a sixteenth of them. */
function settings(
  optimizer: Partial<Settings['optimizer']>,
  schedule: Partial<Settings['schedule']> = {},
): Settings {
  return {
    ...defaultSettings,
    optimizer: { ...defaultSettings.optimizer, ...optimizer },
    schedule: { ...defaultSettings.schedule, ...schedule },
    data: { ...defaultSettings.data, batchSequences: 8, contextLength: 32 },
    model: { ...defaultSettings.model, expertCount: 32, expertsPerToken: 2 },
  };
}

const byFormula = (noiseBatch: number, schedule: Partial<Settings['schedule']> = {}, step = 0) =>
  expertRateFactor(step, settings({ expertRate: 'formula', noiseBatch }, schedule));

describe('expertRateFactor', () => {
  it('is 1 or the given factor where no formula is asked for', () => {
    expect(expertRateFactor(0, settings({ expertRate: 'same', expertRateFactor: 0.5 }))).toBe(1);
    expect(expertRateFactor(0, settings({ expertRate: 'fixed', expertRateFactor: 0.31 }))).toBe(
      0.31,
    );
  });

  // With x = B / N and a sixteenth of the batch: eps(B / 16) / eps(B) = (1 + x) / (4 + x / 4).
  it.each([0.01, 0.26, 1, 4, 61.5])('follows Hunyuan-Large at a batch of %f noise batches', (x) => {
    expect(byFormula(256 / x)).toBeCloseTo((1 + x) / (4 + x / 4), 12);
  });

  it('meets the published 0.31 at a quarter of the noise batch', () => {
    expect(byFormula(256 / 0.26)).toBeCloseTo(0.31, 2);
  });

  it('tends to the root of the share below the noise batch, and to its inverse beyond', () => {
    expect(byFormula(1e9)).toBeCloseTo(1 / 4, 5);
    expect(byFormula(1e-9)).toBeCloseTo(4, 5);
  });

  it('counts the micro-batches of the step, also after the batch has grown', () => {
    const schedule = { microBatches: 2, growAt: 10, grownMicroBatches: 4 };
    const ratio = (tokens: number) => (1 + tokens / 1024) / (4 + tokens / 1024 / 4);
    expect(byFormula(1024, schedule, 9)).toBeCloseTo(ratio(512), 12);
    expect(byFormula(1024, schedule, 10)).toBeCloseTo(ratio(1024), 12);
  });

  it('is 1 where every token visits every expert', () => {
    const all = settings({ expertRate: 'formula', noiseBatch: 77 });
    const model = { ...all.model, expertsPerToken: all.model.expertCount };
    expect(expertRateFactor(0, { ...all, model })).toBeCloseTo(1, 12);
  });
});
