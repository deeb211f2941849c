/** @file The rail: every setting has one place, and those that move nothing say why. */
import { describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import { presetById, presets } from '@/engine/config/presets';
import {
  defaultSettings,
  isLive,
  type SettingPath,
  type Settings,
  settingRows,
  withValue,
} from '@/engine/config/settings';
import { whyIdle } from '@/ui/rail/effect';
import { families, familyOf, shortLabel } from '@/ui/rail/families';
import { liveFolds, phaseFold, runFolds } from '@/ui/rail/folds';
import { previewEnd, rateCurve } from '@/ui/rail/rateCurve';
import { places } from '@/ui/rail/sections';

/** The table's values with a few rows replaced. */
const having = (rows: Partial<Record<SettingPath, Value>>): Settings =>
  (Object.entries(rows) as [SettingPath, Value][]).reduce(
    (values, [path, value]) => withValue(values, path, value),
    defaultSettings,
  );

describe('places of the rail', () => {
  it('hold every row of the table exactly once', () => {
    const placed = places.flatMap(({ paths }) => paths);
    expect(placed.toSorted()).toEqual(settingRows.map(([path]) => path).toSorted());
  });

  it('keep what a running run obeys apart from what starts a new one', () => {
    for (const place of places) {
      for (const path of place.paths) expect([path, isLive(path)]).toEqual([path, place.isLive]);
    }
  });

  it('say in a few words what a fold holds, with every preset', () => {
    for (const { id } of presets) {
      const values = resolve(experimentOn(id));
      for (const fold of [...liveFolds, ...runFolds, phaseFold]) {
        const words = fold.summary(values);
        expect(words, `${fold.id} of ${id}`).not.toMatch(/undefined|NaN|^$/);
        expect(words.length, `${fold.id} of ${id}: ${words}`).toBeLessThan(40);
      }
    }
  });

  it('sum up what matters', () => {
    const wordsOf = (id: string, values: Settings) =>
      [...liveFolds, ...runFolds, phaseFold].find((fold) => fold.id === id)!.summary(values);
    const large = resolve(experimentOn('trinity-large'));
    expect(wordsOf('schedule', large)).toBe('warm-up 2,000, cosine, cosine');
    expect(wordsOf('batch-growth', large)).toBe('3 → 4 micro-batches');
    expect(wordsOf('batch-growth', defaultSettings)).toBe('1 a step');
    expect(wordsOf('attention', resolve(experimentOn('dots-micro')))).toBe('4:4 heads, all global');
    expect(wordsOf('phases', having({ 'phase2.startsAt': 900, 'phase3.startsAt': 1200 }))).toBe(
      'from step 900 and 1,200',
    );
    expect(wordsOf('muon', resolve(experimentOn('hunyuan-micro')))).toBe('moves nothing here');
  });
});

describe('a row that moves nothing', () => {
  it.each<[SettingPath, string, Partial<Record<SettingPath, Value>>]>([
    ['optimizer.muonMomentum', 'Hidden matrices is AdamW', { 'optimizer.hidden': 'adamw' }],
    ['optimizer.adamwWeightDecay', 'no hidden matrix is moved by AdamW', {}],
    ['optimizer.expertRateFactor', 'Expert rate is same', {}],
    ['optimizer.noiseBatch', 'Expert rate is fixed', { 'optimizer.expertRate': 'fixed' }],
    ['model.capacityFactor', 'Full experts is keep', {}],
    ['model.globalEvery', 'Layer pattern is LG', { 'model.layerTypes': 'LG' }],
    ['model.window', 'every layer is global', { 'model.globalEvery': 1 }],
    ['model.ropeAlpha', 'no layer is rotary', { 'model.positions': 'none' }],
    ['model.ropeTheta', 'no layer is rotary', { 'model.globalEvery': 1 }],
    ['model.depthScaledGain', 'Sandwich norm is off', { 'model.sandwichNorm': false }],
    ['model.denseWidth', 'Dense layers first is 0', { 'model.denseLayerCount': 0 }],
    ['loss.switchBalance', 'every layer is dense', { 'model.denseLayerCount': 4 }],
    ['schedule.secondEnd', 'Decay is none', { 'schedule.secondDecay': 'linear' }],
    ['schedule.secondEnd', 'Second decay is none', { 'schedule.decay': 'linear' }],
    ['schedule.growAgainAt', 'Batch grows at is 0', {}],
    ['balance.gamma', 'Balancer is SMEBU', {}],
    ['balance.lambda', 'Balancer is forced', { 'balance.kind': 'forced' }],
    ['data.rsdbDocuments', 'Document order is sequential', {}],
    ['data.utkChunks', 'Untied sequences is 0', {}],
    ['data.recallPairs', 'Recall is 0', { 'data.recallWeight': 0 }],
    ['phase3.codeWeight', 'Phase 3 starts is 0', { 'phase2.startsAt': 5 }],
    ['probes.samplePrompt', 'Samples every is 0', { 'probes.sampleEvery': 0 }],
  ])('%s says: %s', (path, why, rows) => {
    expect(whyIdle(having(rows), path)).toBe(why);
  });

  it.each<[SettingPath, Partial<Record<SettingPath, Value>>]>([
    ['optimizer.muonMomentum', {}],
    ['optimizer.adamwWeightDecay', { 'optimizer.routerOptimizer': 'adamw' }],
    ['optimizer.adamwWeightDecay', { 'optimizer.hidden': 'adamw' }],
    ['optimizer.expertRateFactor', { 'optimizer.expertRate': 'fixed' }],
    ['optimizer.noiseBatch', { 'optimizer.expertRate': 'formula' }],
    ['model.capacityFactor', { 'model.overflow': 'recycle' }],
    ['model.window', {}],
    ['model.ropeTheta', { 'model.globalEvery': 1, 'model.positions': 'all' }],
    ['schedule.secondEnd', { 'schedule.decay': 'linear', 'schedule.secondDecay': 'linear' }],
    ['schedule.grownAgainMicroBatches', { 'schedule.growAt': 5, 'schedule.growAgainAt': 9 }],
    ['data.rsdbWorkers', { 'data.order': 'rsdb' }],
    ['data.recallPairs', { 'data.recallWeight': 0, 'phase2.startsAt': 9 }],
    ['phase2.codeWeight', { 'phase2.startsAt': 5 }],
  ])('is not %s with %o', (path, rows) => {
    expect(whyIdle(having(rows), path)).toBeUndefined();
  });

  it('is none of those that decide over others', () => {
    for (const path of ['optimizer.hidden', 'schedule.decay', 'data.order', 'model.overflow'])
      expect(whyIdle(defaultSettings, path as SettingPath)).toBeUndefined();
  });
});

describe('the picture of the schedule', () => {
  const schedule = {
    ...defaultSettings.schedule,
    warmupSteps: 10,
    decay: 'linear',
    decayStart: 1000,
    totalSteps: 2000,
    finalRatio: 0.1,
    secondDecay: 'linear',
    secondEnd: 2400,
    secondRatio: 0,
  } as const;

  it('spans the run up to whatever happens last', () => {
    expect(previewEnd(schedule, 0)).toBe(2592);
    expect(previewEnd({ ...schedule, secondDecay: 'none' }, 0)).toBe(2160);
    expect(previewEnd({ ...schedule, growAt: 5, growAgainAt: 5000 }, 0)).toBe(5400);
    expect(previewEnd({ ...schedule, growAgainAt: 5000 }, 0)).toBe(2592);
    expect(previewEnd(defaultSettings.schedule, 0)).toBe(100);
    expect(previewEnd(defaultSettings.schedule, 1000)).toBe(1080);
    expect(previewEnd({ ...defaultSettings.schedule, warmupSteps: 500 }, 0)).toBe(2000);
  });

  it('goes through every bend, however few its points', () => {
    const curve = new Map(rateCurve(schedule, 2592, 2).map(({ step, factor }) => [step, factor]));
    expect([...curve.keys()]).toEqual([0, 9, 10, 1000, 1296, 2000, 2400, 2592]);
    expect(curve.get(0)).toBe(0.1);
    expect(curve.get(9)).toBe(1);
    expect(curve.get(2000)).toBeCloseTo(0.1, 12);
    expect(curve.get(2592)).toBe(0);
  });
});

describe('presets', () => {
  it('stand on one tab each, few enough to be read', () => {
    const placed = families.flatMap((family) => family.presets.map(({ id }) => id));
    expect(placed.toSorted()).toEqual(presets.map(({ id }) => id).toSorted());
    for (const family of families) {
      expect(family.presets.length).toBeGreaterThan(1);
      expect(family.presets.length).toBeLessThan(7);
    }
  });

  it('stand with their family, the recipes about stability apart', () => {
    expect(familyOf(presetById('trinity-nano')!)).toBe('trinity');
    expect(familyOf(presetById('hunyuan-large')!)).toBe('hunyuan');
    expect(familyOf(presetById('trinity-large-before')!)).toBe('stability');
  });

  it('do not say their family twice', () => {
    const names = families.map((family) => family.presets.map((one) => shortLabel(one, family)));
    expect(names[1]).toEqual(['micro', 'small', 'Large']);
    expect(names[2]).toEqual(['micro', 'small', 'dots.llm1']);
  });
});
