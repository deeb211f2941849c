/**
 * @file Every way of building a layer, as a whole tiny model: it trains, and generation over its cache says what the
 * forward pass over the whole text says.
 */
import { describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import { presetById } from '@/engine/config/presets';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import { createBatchSource } from '@/engine/data/source';
import { Session } from '@/engine/train/session';
import { openLab } from '../support/lab';
import { tinyExperiment } from '../support/trainer';

const lab = openLab();

/** Settings of a preset's mechanisms at the tiny size, on generated data only. */
function tiny(preset: string, changes: SettingsChanges['model'] = {}): Settings {
  const own = presetById(preset)!.changes;
  const { expertCount, expertsPerToken } = { expertCount: 4, expertsPerToken: 1, ...own.model };
  return resolve(
    tinyExperiment({
      ...own,
      schedule: { warmupSteps: 0 },
      model: {
        ...own.model,
        layerCount: 4,
        width: 16,
        headCount: 2,
        headWidth: 8,
        kvHeadCount: 1,
        denseWidth: 16,
        expertWidth: 8,
        expertCount: Math.min(6, expertCount),
        expertsPerToken: Math.min(expertsPerToken, 3),
        ...changes,
      },
      data: {
        ...own.data,
        contextLength: 32,
        batchSequences: 2,
        novelWeight: 0,
        speechesWeight: 0,
        codeWeight: 0,
        arithmeticWeight: 1,
        recallWeight: 0,
      },
    }),
  );
}

const cases: readonly (readonly [name: string, settings: Settings])[] = [
  ['trinity', tiny('micro')],
  ['hunyuan', tiny('hunyuan-micro')],
  ['dots', tiny('dots-micro')],
  ['trinity before the six', tiny('stability-before')],
  ['all global', tiny('micro', { globalEvery: 1 })],
  ['all local, window longer than the text', tiny('micro', { globalEvery: 0, window: 4096 })],
  ['a pattern', tiny('micro', { layerTypes: 'GLL' })],
  [
    'shared keys over local and global layers',
    tiny('micro', { layerTypes: 'LG', positions: 'all', kvShare: 2, window: 5 }),
  ],
  [
    'shared keys, normed before',
    tiny('hunyuan-micro', { qkNorm: 'before', kvShare: 4, ropeAlpha: 50 }),
  ],
  ['no norm of keys, no positions', tiny('micro', { qkNorm: 'none', positions: 'none' })],
  ['gate without sandwich', tiny('micro', { sandwichNorm: false, tiedEmbeddings: true })],
  ['one expert', tiny('micro', { expertCount: 1, expertsPerToken: 1, sharedExpertCount: 0 })],
  ['all experts', tiny('micro', { expertCount: 5, expertsPerToken: 5 })],
  ['softmax over several', tiny('micro', { scoring: 'softmax', normalisedGates: false })],
  ['no dense layer, odd sizes', tiny('micro', { denseLayerCount: 0, width: 15, expertWidth: 7 })],
  ['dense layers only', tiny('micro', { denseLayerCount: 4 })],
  ['dropping', tiny('hunyuan-micro', { overflow: 'drop', capacityFactor: 0.5 })],
];

describe.each(cases)('%s', (_, settings) => {
  it('learns, and generates what the forward pass finds likeliest', async () => {
    const session = await Session.create(lab.open(), settings, 7);
    const source = createBatchSource(settings, {}, undefined);
    await session.stepper.start(settings.run.seed);
    const losses: number[] = [];
    const wishes = {};
    for (let step = 0; step < 30; step++) {
      const inputs = { step, batches: [await source.next()], settings };
      losses.push((await session.stepper.step(inputs, wishes, 1)).crossEntropy);
    }
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);

    // longer than the window, greedy
    const prompt = new TextEncoder().encode('12 + 34 = ');
    const length = 32;
    session.setText(prompt);
    for (let position = 0; position < length - 1; position++) {
      const draw = { position, promptLength: prompt.length, random: 0.5, inverseTemperature: 0 };
      session.generateToken(draw);
    }
    const tokens = (await session.readText()).slice(0, length);
    const column = session.assembly.needles.findIndex((needle) => needle.length >= length);
    const text = {
      tokens,
      answerStart: prompt.length,
      answerLength: length - prompt.length,
      keys: 1,
    };
    const [found] = await session.findNeedles(column, [text]);
    expect(found!.isFound, String(tokens)).toBe(true);
    session.destroy();
  });
});
