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
  const { width: D, headCount: H, kvHeadCount: G, headWidth: C } = model;
  const attention = 3 * D * H * C + 2 * D * G * C + 2 * C;
  const norms = 4 * D;
  const dense = 3 * D * model.denseWidth;
  const expert = 3 * D * model.expertWidth;
  const routed = experts ?? model.expertCount;
  const mixture = D * model.expertCount + (routed + model.sharedExpertCount) * expert;
  const mixtureCount = model.layerCount - model.denseLayerCount;
  return (
    2 * model.vocabSize * D +
    D +
    model.layerCount * (attention + norms) +
    model.denseLayerCount * dense +
    mixtureCount * mixture
  );
}

describe('plan', () => {
  it.each(presets.map(({ id }) => id))('counts the parameters of %s', async (id) => {
    const { model, data } = resolve(experimentOn(id));
    const told = await planned(id);
    expect(told.parameterCount).toBe(counted(id));
    expect(told.activeParameterCount).toBe(counted(id, model.expertsPerToken));
    expect(told.tokensPerStep).toBe(data.batchSequences * data.contextLength);
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

  it('is a table without --json', async () => {
    const { parameterCount } = await planned('micro');
    const { out } = await lab('plan', 'micro');
    expect(out).toContain(`parameters          ${parameterCount.toLocaleString('en-US')}\n`);
    expect(out).toMatch(/^memory in all {7}[\d,]+ bytes \([\d.]+ MiB\)$/m);
  });
});
