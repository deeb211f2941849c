/** @file Every way of building a layer, as the settings of a whole tiny model. */
import { resolve } from '@/engine/config/experiment';
import { presetById } from '@/engine/config/presets';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import { tinyExperiment } from './trainer';

/** Settings of a preset's mechanisms at the tiny size, on generated data only. */
export function tiny(preset: string, changes: SettingsChanges['model'] = {}): Settings {
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

/** By what is peculiar to them. */
export const tinyModels: readonly (readonly [name: string, settings: Settings])[] = [
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
