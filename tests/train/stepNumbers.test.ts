import { describe, expect, it } from 'vitest';
import { metrics } from '@/engine/config/metrics';
import { defaultSettings, type Settings } from '@/engine/config/settings';
import { LOSSES_LENGTH, lossAt } from '@/engine/ops/lossSum';
import { metricsOf } from '@/engine/train/numbers';
import { type Arrived, numbersOf } from '@/engine/train/stepNumbers';

/** Two mixture layers of three experts, two sequences of eight tokens, one choice a token. */
const settings: Settings = {
  ...defaultSettings,
  model: {
    ...defaultSettings.model,
    layerCount: 3,
    denseLayerCount: 1,
    expertCount: 3,
    expertsPerToken: 1,
    overflow: 'recycle',
  },
  data: { ...defaultSettings.data, batchSequences: 2, contextLength: 8 },
  loss: { zWeight: 0.5, sequenceBalance: 0.25, switchBalance: 0.125 },
  balance: { ...defaultSettings.balance, kind: 'smebu' },
};

function losses(values: Partial<Record<keyof typeof lossAt, number>>): Float32Array {
  const array = new Float32Array(LOSSES_LENGTH);
  for (const [name, value] of Object.entries(values)) {
    array[lossAt[name as keyof typeof lossAt]] = value;
  }
  return array;
}

/** What four micro-batches left, one of them without a target. */
const arrived: Arrived = {
  losses: losses({
    crossEntropy: 2,
    squaredLse: 16,
    microBatchSum: 6.5,
    microBatchLargest: 3,
    microBatchCount: 3,
    maxLogit: 7,
    meanLogit: -0.5,
  }),
  clip: Float32Array.of(4, 0.25, 0, 0),
  // of each layer and sequence: balance loss, margin
  statistics: Float32Array.of(4, 0.5, 5, 0.25, 6, 0.125, 9, 0.125),
  switches: Float32Array.of(4, 8),
  overflow: Uint32Array.of(12, 20),
  counts: Uint32Array.of(64, 0, 0, 24, 20, 20),
  bias: Float32Array.of(3, 0, 0, 0, 0, -4),
  momentum: Float32Array.of(0, 0.5, 0, 0, 0, 0),
};
const MICRO_BATCHES = 4;

describe('the numbers of a step', () => {
  const numbers = numbersOf(arrived, settings, MICRO_BATCHES);

  it('are means over all its micro-batches, sums over layers', () => {
    expect(numbers.sequenceBalance).toBe((4 + 5 + 6 + 9) / (2 * 4));
    expect(numbers.switchBalance).toBe((4 + 8) / 4);
    expect(numbers.margin).toBe(1 / (2 * 4) / 2);
    expect(numbers.overflow).toBe(32 / (2 * 4 * 2 * 8));
    expect(numbers.biasNorm).toBe(5);
    expect(numbers.momentumNorm).toBe(0.5);
  });

  it('compare only micro-batches with a target, and at least two', () => {
    expect(numbers.batchHet).toBeCloseTo(3 - 6.5 / 3, 6);
    const single = { ...arrived, losses: losses({ microBatchCount: 1, microBatchSum: 2 }) };
    expect(numbersOf(single, settings, MICRO_BATCHES).batchHet).toBeUndefined();
  });

  it('have no margin where every expert is chosen, and nothing of routers without mixture layers', () => {
    const model = { ...settings.model, expertsPerToken: 3 };
    expect(numbersOf(arrived, { ...settings, model }, MICRO_BATCHES).margin).toBeUndefined();
    const dense = { ...settings.model, denseLayerCount: 3 };
    const none = numbersOf(arrived, { ...settings, model: dense }, MICRO_BATCHES);
    expect([none.sequenceBalance, none.switchBalance, none.margin, none.overflow]).toEqual([
      0,
      0,
      undefined,
      undefined,
    ]);
  });
});

describe('the metrics of a step', () => {
  const numbers = numbersOf(arrived, settings, MICRO_BATCHES);

  it('weigh the parts of the loss and add them up', () => {
    const values = metricsOf(numbers, 9, settings, true);
    expect(values['train.step']).toBe(10);
    expect(values['train.zLoss']).toBe(8);
    expect(values['train.sequenceBalance']).toBe(0.75);
    expect(values['train.switchBalance']).toBe(0.375);
    expect(values['train.loss']).toBe(2 + 8 + 0.75 + 0.375);
    expect(values['train.microBatches']).toBe(4);
    expect(values['train.maxLogit']).toBe(7);
    expect(values['train.meanLogit']).toBe(-0.5);
    expect(values['router.recycled']).toBe(25);
    expect(values['router.momentumNorm']).toBe(0.5);
    expect(Object.keys(values).filter((name) => !(name in metrics))).toEqual([]);
    expect(Object.entries(values).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
  });

  it('leave out what has no meaning', () => {
    const balance = { ...settings.balance, kind: 'sign' as const };
    expect(metricsOf(numbers, 9, { ...settings, balance }, true)).not.toHaveProperty([
      'router.momentumNorm',
    ]);
    const names = Object.keys(metricsOf(numbers, 9, settings, false));
    expect(names.filter((name) => /^router|Balance/.test(name))).toEqual([]);
    const empty = numbersOf({ ...arrived, losses: losses({}) }, settings, MICRO_BATCHES);
    const quiet = Object.keys(metricsOf(empty, 9, settings, true));
    expect(quiet.filter((name) => /Logit|batchHet/.test(name))).toEqual([]);
  });
});
