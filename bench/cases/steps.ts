/** @file Whole training steps: presets, the peers' problem, and sweeps that show how the cost grows. */
import { resolve } from '@/engine/config/experiment';
import { type Settings, type SettingsChanges, withValue } from '@/engine/config/settings';
import { denseSettings } from '../denseStep';
import type { Load } from '../routing';

export interface StepCase {
  readonly name: string;
  readonly settings: Settings;
  /** Cases of one group are measured in turns; a case without one is measured alone. */
  readonly group?: string;
  /** Where it stands in a sweep: the group, and the size that is varied. */
  readonly sweep?: { readonly of: string; readonly x: number };
  /** Name of the case that it is set against. */
  readonly beside?: string;
  /** What the experts get; left out: what the router gives them. */
  readonly load?: Load;
}

const onPreset = (preset: string, changes: SettingsChanges = {}): Settings =>
  resolve({ preset, changes, timeline: [] });

/** The model of the sweeps: two blocks, all of them mixtures, wide enough that products are most of the work. */
const model = {
  layerCount: 2,
  denseLayerCount: 0,
  width: 128,
  headCount: 4,
  kvHeadCount: 4,
  headWidth: 32,
  globalEvery: 0,
  window: 64,
  expertCount: 16,
  expertsPerToken: 2,
  sharedExpertCount: 1,
  expertWidth: 128,
} as const;

/** AdamW at rate 0: the work is done, the weights stay, so every step routes alike. */
const optimizer = { hidden: 'adamw', adamwLearningRate: 0 } as const;
const data = { contextLength: 128, batchSequences: 4 } as const;

function sweepSettings(changes: {
  model?: SettingsChanges['model'];
  data?: SettingsChanges['data'];
  kind?: 'none' | 'forced';
}): Settings {
  return onPreset('micro', {
    model: { ...model, ...changes.model },
    data: { ...data, ...changes.data },
    balance: { kind: changes.kind ?? 'forced' },
    optimizer,
  });
}

const sweep = (of: string, x: number, settings: Settings, load: Load = 'even'): StepCase => ({
  name: `sweep ${of} ${x}`,
  group: of.split(' ')[0]!,
  settings,
  sweep: { of, x },
  load,
});

const tokens = [1, 2, 4, 8].map((batchSequences) =>
  sweep('tokens', batchSequences * data.contextLength, sweepSettings({ data: { batchSequences } })),
);

const widths = [64, 128, 256].map((width) =>
  sweep(
    'width',
    width,
    sweepSettings({ model: { width, headWidth: width / model.headCount, expertWidth: width } }),
  ),
);

const expertCounts = [8, 16, 32, 64];
const experts = expertCounts.flatMap((expertCount) => [
  sweep('experts even', expertCount, sweepSettings({ model: { expertCount } })),
  sweep(
    'experts zipf',
    expertCount,
    sweepSettings({ model: { expertCount }, kind: 'none' }),
    'zipf',
  ),
]);

const contexts = [512, 1024, 2048, 4096, 8192].map((contextLength) =>
  sweep(
    'context',
    contextLength,
    sweepSettings({ model: { layerCount: 1 }, data: { contextLength, batchSequences: 1 } }),
  ),
);

/** Hidden width of what one token meets: its experts and the shared one. */
const activeWidth = (model.expertsPerToken + model.sharedExpertCount) * model.expertWidth;

/** As many tokens as *small* takes: what grows with the weights weighs less the more tokens there are. */
const MANY = 4096;
const many = { batchSequences: MANY / data.contextLength };

const active: readonly StepCase[] = [data, many].flatMap(({ batchSequences }) => {
  const count = `${batchSequences * data.contextLength} tokens`;
  const dense = { denseLayerCount: model.layerCount, denseWidth: activeWidth };
  const group = `active ${count}`;
  const beside = `active parameters dense, ${count}`;
  return [
    { name: beside, group, settings: sweepSettings({ model: dense, data: { batchSequences } }) },
    {
      name: `active parameters mixture, ${count}`,
      group,
      beside,
      settings: sweepSettings({ data: { batchSequences } }),
      load: 'even',
    },
  ];
});

const expertsOfMany: readonly StepCase[] = (['even', 'zipf'] as const).flatMap((load) => {
  const kind = load === 'even' ? 'forced' : 'none';
  const of = (expertCount: number) => ({
    name: `experts ${load} ${expertCount}, ${MANY} tokens`,
    group: `experts ${MANY}`,
    settings: sweepSettings({ model: { expertCount }, data: many, kind }),
    load,
  });
  return [of(8), { ...of(64), beside: of(8).name }];
});

/** Enough blocks that what is kept for the way back is most of the memory. */
const deep = sweepSettings({ model: { layerCount: 6 } });

const activations: readonly StepCase[] = [
  ['kept', deep] as const,
  ['recomputed', withValue(deep, 'run.activationCheckpointing', true)] as const,
  ['in bf16', withValue(deep, 'run.storage', 'bf16')] as const,
  ['in f16', withValue(deep, 'run.storage', 'f16')] as const,
].map(([how, settings]) => ({
  name: `activations ${how}`,
  group: 'activations',
  settings,
  load: 'even',
}));

export const stepCases: readonly StepCase[] = [
  { name: 'step micro', settings: onPreset('micro') },
  { name: 'step small', settings: onPreset('small') },
  {
    name: 'step dense peer model',
    settings: denseSettings({ V: 256, D: 128, L: 4, H: 4, F: 344, S: 128, B: 4 }),
  },
  ...active,
  ...expertsOfMany,
  ...activations,
  ...tokens,
  ...widths,
  ...experts,
  ...contexts,
];
