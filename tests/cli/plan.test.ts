/** @file The sizes that `plan` tells: against the settings table, and against published figures. */
import { describe, expect, it } from 'vitest';
import { decodeLink, experimentOn, presets, resolve } from '@/engine/index';
import { lab } from './lab';

interface Told {
  readonly preset: string;
  readonly link: string;
  readonly parameterCount: number;
  readonly activeParameterCount: number;
  readonly tokensPerStep: number;
  readonly bytes: Readonly<Record<string, number>>;
  readonly flopsPerToken: { readonly forward: number; readonly training: number };
  readonly kvCache: Readonly<
    Record<'bytesPerToken' | 'growingBytesPerToken' | 'contextBytes', number>
  >;
}

async function planned(...args: string[]): Promise<Told> {
  const { code, out, err } = await lab('plan', ...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^[^\n]+\n$/);
  return JSON.parse(out);
}

/** Every matrix and gain of the architecture, counted by hand; `experts`: how many routed ones count. */
function counted(preset: string, experts?: number): number {
  const { model } = resolve(experimentOn(preset));
  const { width: D, headCount: H, kvHeadCount: G, headWidth: C, layerCount: L } = model;
  const owners = Math.ceil(L / model.kvShare);
  const wide = D * H * C;
  const attention = L * wide * (model.attentionGate ? 3 : 2) + owners * 2 * D * G * C;
  const headGains = L * C + (model.qkNorm === 'after' ? L : owners) * C;
  const gains =
    (model.qkNorm === 'none' ? 0 : headGains) + L * D * (model.sandwichNorm ? 4 : 2) + D;
  const expert = 3 * D * model.expertWidth;
  const routed = experts ?? model.expertCount;
  const mixture = D * model.expertCount + (routed + model.sharedExpertCount) * expert;
  return (
    (model.tiedEmbeddings ? 1 : 2) * model.vocabSize * D +
    attention +
    gains +
    model.denseLayerCount * 3 * D * model.denseWidth +
    (L - model.denseLayerCount) * mixture
  );
}

describe('plan', () => {
  it.each(presets.map(({ id }) => id))('counts the parameters of %s', async (id) => {
    const { model, data, schedule } = resolve(experimentOn(id));
    const told = await planned(id);
    expect(told.parameterCount).toBe(counted(id));
    expect(told.activeParameterCount).toBe(counted(id, model.expertsPerToken));
    expect(told.tokensPerStep).toBe(
      schedule.microBatches * data.batchSequences * data.contextLength,
    );
    const { total, ...classes } = told.bytes;
    expect(Object.keys(classes)).toEqual([
      'weights',
      'gradients',
      'optimizer',
      'activations',
      'other',
    ]);
    expect(total).toBe(Object.values(classes).reduce((sum, bytes) => sum + bytes, 0));
    expect(told.bytes['weights']).toBeGreaterThanOrEqual(4 * told.parameterCount);
    expect(told.bytes['weights']).toBeLessThan(4.01 * told.parameterCount);
  });

  // Billions, with the digits that were published.
  it.each([
    ['trinity-nano', '6.12', '1.02'],
    ['trinity-mini', '26.12', '3.47'],
    ['trinity-large', '398.6', '13.37'],
    ['hunyuan-large', '388.7', '51.3'],
    ['dots-llm1', '142.8', '14.0'],
  ])('agrees with the published size of %s', async (id, total, active) => {
    const { parameterCount, activeParameterCount } = await planned(id);
    const digits = (text: string) => text.split('.')[1]!.length;
    expect((parameterCount / 1e9).toFixed(digits(total))).toBe(total);
    expect((activeParameterCount / 1e9).toFixed(digits(active))).toBe(active);
  });

  it('follows --set and says which experiment it is about', async () => {
    const told = await planned('micro', '--set', 'data.batchSequences=5');
    expect(told.tokensPerStep).toBe(5 * 128);
    expect(decodeLink(told.link)).toMatchObject({
      experiment: { preset: 'micro', changes: { data: { batchSequences: 5 } } },
    });
  });

  // Keys and values of H heads of C channels in each of L layers, two bytes a value.
  const everyHead = (id: string) => {
    const { headCount, headWidth, layerCount } = resolve(experimentOn(id)).model;
    return 4 * headCount * headWidth * layerCount;
  };

  it('gives the KV bytes that Hunyuan-Large published, a twentieth of multi-head attention', async () => {
    const { kvCache } = await planned('hunyuan-large');
    expect(kvCache.bytesPerToken).toBe(81_920);
    expect(kvCache.bytesPerToken / everyHead('hunyuan-large')).toBe(0.05);
    expect(kvCache.growingBytesPerToken).toBe(81_920);
    expect(kvCache.contextBytes).toBe(8192 * 81_920);
  });

  it('bounds the KV cache of local layers by their window', async () => {
    const { kvCache } = await planned('trinity-nano');
    // 2 KV heads of 128 channels; 42 local layers with a window of 2048, 14 global ones.
    expect(kvCache).toEqual({
      bytesPerToken: 56 * 1024,
      growingBytesPerToken: 14 * 1024,
      contextBytes: (42 * 2048 + 14 * 4096) * 1024,
    });
  });

  it('counts operations: two a weight that a token meets, and the keys that it looks at', async () => {
    const { model, data } = resolve(experimentOn('micro'));
    const { flopsPerToken, activeParameterCount } = await planned('micro');
    const { width: D, layerCount: L, headWidth: C, headCount: H, window, vocabSize: V } = model;
    const products = activeParameterCount - V * D - L * (4 * D + 2 * C) - D;
    let keys = 0;
    for (let layer = 0; layer < L; layer++) {
      for (let at = 1; at <= data.contextLength; at++) {
        const isGlobal = (layer + 1) % model.globalEvery === 0;
        keys += (isGlobal ? at : Math.min(at, window)) / data.contextLength;
      }
    }
    expect(flopsPerToken.forward).toBe(Math.round(2 * products + 4 * H * C * keys));
    expect(flopsPerToken.training).toBe(3 * flopsPerToken.forward);
  });

  it('is a table without --json', async () => {
    const { parameterCount, kvCache } = await planned('micro');
    const { out } = await lab('plan', 'micro');
    expect(out).toMatch(new RegExp(`^parameters +${parameterCount.toLocaleString('en-US')}$`, 'm'));
    expect(out).toMatch(/^FLOPs a token, forward +[\d,]+$/m);
    expect(out).toMatch(new RegExp(`^KV cache a token +${kvCache.bytesPerToken} bytes`, 'm'));
    expect(out).toMatch(/^memory in all +[\d,]+ bytes \([\d.]+ MiB\)$/m);
  });
});
