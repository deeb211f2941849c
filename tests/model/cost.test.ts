import { describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import { flopsPerToken, kvCache } from '@/engine/model/cost';
import { countParameters } from '@/engine/model/parameters';

const settingsOf = (preset: string): Settings => resolve(experimentOn(preset));

// arXiv:2602.17004, Table 1; arXiv:2411.02265, Table 1; arXiv:2506.05767, Table 6, worked out weight by weight
it.each([
  ['trinity-nano', 6_119_996_416, 1_023_917_056],
  ['trinity-mini', 26_123_970_560, 3_474_728_960],
  ['trinity-large', 398_635_272_192, 13_371_672_576],
  ['hunyuan-large', 388_698_128_640, 51_318_800_640],
  ['dots-llm1', 142_774_373_888, 14_016_581_120],
])('%s has its published parameters', (preset, total, active) => {
  expect(countParameters(settingsOf(preset).model)).toEqual({ total, active });
});

describe('kvCache', () => {
  it('of Hunyuan-Large is 5 % of one with keys for every head in every layer (Table 2)', () => {
    const settings = settingsOf('hunyuan-large');
    expect(kvCache(settings).bytesPerToken).toBe(81_920);
    const { model } = settings;
    const whole = { ...model, kvShare: 1, kvHeadCount: model.headCount };
    expect(kvCache({ ...settings, model: whole }).bytesPerToken).toBe(1_638_400);
    const grouped = { ...model, kvShare: 1 };
    expect(kvCache({ ...settings, model: grouped }).bytesPerToken).toBe(163_840);
  });

  it('of Trinity Large grows by its fifteen global layers alone, once the windows are full', () => {
    const { bytesPerToken, growingBytesPerToken, contextBytes } = kvCache(
      settingsOf('trinity-large'),
    );
    expect(bytesPerToken).toBe(240 * 1024);
    expect(growingBytesPerToken).toBe(60 * 1024);
    expect(contextBytes).toBe(8192 * 60 * 1024 + 4096 * 180 * 1024);
  });

  it('keeps the longest sight among layers that share keys', () => {
    const { model, ...rest } = settingsOf('micro');
    const shared = { ...model, positions: 'all', kvShare: 2, layerTypes: 'LG' } as const;
    const layer = 4 * model.kvHeadCount * model.headWidth;
    const size = kvCache({ model: shared, ...rest });
    expect(size.bytesPerToken).toBe(2 * layer);
    expect(size.growingBytesPerToken).toBe(2 * layer);
  });
});

describe('flopsPerToken', () => {
  it('counts every active product and every key seen', () => {
    const settings = settingsOf('micro');
    const { model, data } = settings;
    const D = model.width;
    const heads = model.headCount * model.headWidth;
    const kv = model.kvHeadCount * model.headWidth;
    const attention = D * (3 * heads + 2 * kv);
    const dense = 3 * D * model.denseWidth;
    const mixture = D * model.expertCount + 3 * D * model.expertWidth * (model.expertsPerToken + 1);
    const products = 4 * attention + dense + 3 * mixture + model.vocabSize * D;
    const S = data.contextLength;
    const span = (w: number) =>
      Array.from({ length: S }, (_, t) => Math.min(t + 1, w)).reduce((a, b) => a + b, 0) / S;
    const seen = 3 * span(model.window) + span(S);
    const forward = Math.round(2 * products + 4 * heads * seen);
    expect(flopsPerToken(settings)).toEqual({ forward, training: 3 * forward });
  });

  it('counts a tied matrix once, as the head', () => {
    const settings = settingsOf('hunyuan-micro');
    const untied = { ...settings, model: { ...settings.model, tiedEmbeddings: false } };
    expect(flopsPerToken(settings)).toEqual(flopsPerToken(untied));
  });
});
