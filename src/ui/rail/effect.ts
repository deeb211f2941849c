/** @file Which rows of the settings table move nothing as things stand, and why. */
import { isGlobalLayer, isRotaryLayer } from '@/engine/config/layers';
import { fieldAt, type SettingPath, type Settings, valueAt } from '@/engine/config/settings';
import { valueWords } from '@/ui/format/settings';

interface Idleness {
  readonly paths: readonly SettingPath[];
  /** Why they move nothing, in words that follow “while”; undefined where they do move something. */
  readonly why: (values: Settings) => string | undefined;
}

/** `Decay is none`: the row that decides, and its value. */
const stands = (values: Settings, path: SettingPath): string =>
  `${fieldAt(path)?.label ?? path} is ${valueWords(valueAt(values, path))}`;

/** Idle while the deciding row has such a value. */
const idleFor = (
  decider: SettingPath,
  isIdle: (values: Settings) => boolean,
  paths: readonly SettingPath[],
): Idleness => ({
  paths,
  why: (values) => (isIdle(values) ? stands(values, decider) : undefined),
});

const layersOf = ({ model }: Settings): number[] =>
  Array.from({ length: model.layerCount }, (_, layer) => layer);

const isDense = ({ model }: Settings): boolean => model.denseLayerCount >= model.layerCount;

const balancing: readonly SettingPath[] = [
  'balance.gamma',
  'balance.recentre',
  'balance.lambda',
  'balance.beta',
  'balance.kappa',
];

const shares = ['novel', 'speeches', 'code', 'arithmetic', 'recall', 'ownText'] as const;

/** Earlier ones go first: one reason is enough. */
const idlenesses: readonly Idleness[] = [
  {
    paths: [
      'model.expertCount',
      'model.expertsPerToken',
      'model.sharedExpertCount',
      'model.expertWidth',
      'model.scoring',
      'model.normalisedGates',
      'model.routeScale',
      'model.overflow',
      'model.capacityFactor',
      'balance.kind',
      ...balancing,
      'loss.sequenceBalance',
      'loss.switchBalance',
      'optimizer.routerOptimizer',
      'optimizer.expertRate',
      'optimizer.expertRateFactor',
      'optimizer.noiseBatch',
    ],
    why: (values) => (isDense(values) ? 'every layer is dense' : undefined),
  },
  idleFor('model.denseLayerCount', ({ model }) => model.denseLayerCount === 0, [
    'model.denseWidth',
  ]),
  idleFor('model.layerTypes', ({ model }) => model.layerTypes !== '', ['model.globalEvery']),
  {
    paths: ['model.window'],
    why: (values) =>
      layersOf(values).every((layer) => isGlobalLayer(values.model, layer))
        ? 'every layer is global'
        : undefined,
  },
  {
    paths: ['model.ropeTheta', 'model.ropeAlpha'],
    why: (values) =>
      layersOf(values).some((layer) => isRotaryLayer(values.model, layer))
        ? undefined
        : 'no layer is rotary',
  },
  idleFor('model.sandwichNorm', ({ model }) => !model.sandwichNorm, ['model.depthScaledGain']),
  idleFor('model.overflow', ({ model }) => model.overflow === 'keep', ['model.capacityFactor']),
  idleFor('optimizer.hidden', ({ optimizer }) => optimizer.hidden === 'adamw', [
    'optimizer.muonLearningRate',
    'optimizer.muonMomentum',
    'optimizer.muonRateRule',
    'optimizer.muonNesterov',
    'optimizer.muonWeightDecay',
    'optimizer.newtonSchulz',
    'optimizer.muonEps',
    'optimizer.routerOptimizer',
  ]),
  {
    paths: ['optimizer.adamwWeightDecay'],
    why: (values) =>
      values.optimizer.hidden === 'muon' &&
      (isDense(values) || values.optimizer.routerOptimizer === 'muon')
        ? 'no hidden matrix is moved by AdamW'
        : undefined,
  },
  idleFor('optimizer.expertRate', ({ optimizer }) => optimizer.expertRate !== 'fixed', [
    'optimizer.expertRateFactor',
  ]),
  idleFor('optimizer.expertRate', ({ optimizer }) => optimizer.expertRate !== 'formula', [
    'optimizer.noiseBatch',
  ]),
  idleFor('schedule.decay', ({ schedule }) => schedule.decay === 'none', [
    'schedule.decayStart',
    'schedule.totalSteps',
    'schedule.finalRatio',
    'schedule.secondDecay',
    'schedule.secondEnd',
    'schedule.secondRatio',
  ]),
  idleFor('schedule.secondDecay', ({ schedule }) => schedule.secondDecay === 'none', [
    'schedule.secondEnd',
    'schedule.secondRatio',
  ]),
  idleFor('schedule.growAt', ({ schedule }) => schedule.growAt === 0, [
    'schedule.grownMicroBatches',
    'schedule.growAgainAt',
    'schedule.grownAgainMicroBatches',
  ]),
  idleFor('schedule.growAgainAt', ({ schedule }) => schedule.growAgainAt === 0, [
    'schedule.grownAgainMicroBatches',
  ]),
  idleFor('balance.kind', ({ balance }) => balance.kind !== 'sign', [
    'balance.gamma',
    'balance.recentre',
  ]),
  idleFor('balance.kind', ({ balance }) => balance.kind !== 'smebu', [
    'balance.lambda',
    'balance.beta',
    'balance.kappa',
  ]),
  idleFor('data.order', ({ data }) => data.order === 'sequential', [
    'data.rsdbDocuments',
    'data.rsdbWorkers',
  ]),
  idleFor('data.utkShare', ({ data }) => data.utkShare === 0, [
    'data.utkChunks',
    'data.utkKeepsOrder',
  ]),
  {
    paths: ['data.recallPairs'],
    why: ({ data, phase2, phase3 }) =>
      data.recallWeight === 0 &&
      (phase2.startsAt === 0 || phase2.recallWeight === 0) &&
      (phase3.startsAt === 0 || phase3.recallWeight === 0)
        ? 'Recall is 0'
        : undefined,
  },
  idleFor('phase2.startsAt', ({ phase2 }) => phase2.startsAt === 0, [
    ...shares.map((name): SettingPath => `phase2.${name}Weight`),
    'phase3.startsAt',
  ]),
  idleFor(
    'phase3.startsAt',
    ({ phase3 }) => phase3.startsAt === 0,
    shares.map((name): SettingPath => `phase3.${name}Weight`),
  ),
  idleFor('probes.sampleEvery', ({ probes }) => probes.sampleEvery === 0, [
    'probes.samplePrompt',
    'probes.sampleLength',
    'probes.sampleTemperature',
  ]),
];

/** Why a row moves nothing with these values: `Decay is none`; undefined where it does. */
export function whyIdle(values: Settings, path: SettingPath): string | undefined {
  for (const { paths, why } of idlenesses) {
    const words = paths.includes(path) ? why(values) : undefined;
    if (words) return words;
  }
  return undefined;
}
