/** @file The folds of the rail: which rows each holds, and its few words while it is folded. */
import { mixtureLayers } from '@/engine/config/layers';
import type { SettingPath, Settings } from '@/engine/config/settings';
import { formatFixed, formatShort } from '@/ui/format/numbers';
import { optionLabel } from '@/ui/format/settings';

export interface FoldRows {
  /** kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly paths: readonly SettingPath[];
  /** What stands in it, in a few words. */
  readonly summary: (values: Settings) => string;
  /** A sentence or two over the rows, where their help does not say it. */
  readonly about?: string;
}

const steps = (count: number) => formatFixed(count, 0);

/** Rows that a running run obeys from its next step on. */
export const liveFolds: readonly FoldRows[] = [
  {
    id: 'optimizer',
    title: 'Optimizer',
    paths: [
      'optimizer.gradientClip',
      'optimizer.expertRate',
      'optimizer.expertRateFactor',
      'optimizer.noiseBatch',
    ],
    summary: ({ optimizer: { gradientClip, expertRate, expertRateFactor } }) => {
      const clip = gradientClip > 0 ? `clip ${formatShort(gradientClip)}` : 'no clip';
      if (expertRate === 'same') return clip;
      return expertRate === 'fixed'
        ? `${clip}, experts × ${formatShort(expertRateFactor)}`
        : `${clip}, experts by batch`;
    },
  },
  {
    id: 'muon',
    title: 'Muon',
    paths: [
      'optimizer.muonMomentum',
      'optimizer.muonNesterov',
      'optimizer.muonRateRule',
      'optimizer.newtonSchulz',
      'optimizer.muonWeightDecay',
      'optimizer.muonEps',
    ],
    summary: ({ optimizer }) =>
      optimizer.hidden === 'muon'
        ? `momentum ${formatShort(optimizer.muonMomentum)}, ${optionLabel(optimizer.newtonSchulz)}`
        : 'moves nothing here',
  },
  {
    id: 'adamw',
    title: 'AdamW',
    paths: [
      'optimizer.adamwBeta1',
      'optimizer.adamwBeta2',
      'optimizer.adamwEps',
      'optimizer.adamwWeightDecay',
      'optimizer.embeddingWeightDecay',
      'optimizer.normWeightDecay',
    ],
    summary: ({ optimizer }) =>
      `β ${formatShort(optimizer.adamwBeta1)} and ${formatShort(optimizer.adamwBeta2)}`,
  },
  {
    id: 'schedule',
    title: 'Schedule',
    paths: [
      'schedule.warmupSteps',
      'schedule.decay',
      'schedule.decayStart',
      'schedule.totalSteps',
      'schedule.finalRatio',
      'schedule.secondDecay',
      'schedule.secondEnd',
      'schedule.secondRatio',
    ],
    summary: ({ schedule: { warmupSteps, decay, secondDecay } }) => {
      const after = secondDecay === 'none' ? decay : `${decay}, ${secondDecay}`;
      return `warm-up ${steps(warmupSteps)}, ${decay === 'none' ? 'then constant' : after}`;
    },
  },
  {
    id: 'probes',
    title: 'Probes',
    paths: [
      'probes.evalEvery',
      'probes.needleEvery',
      'probes.needleTrials',
      'probes.needleKeys',
      'probes.sampleEvery',
      'probes.samplePrompt',
      'probes.sampleLength',
      'probes.sampleTemperature',
    ],
    summary: ({ probes }) =>
      probes.needleEvery > 0
        ? `needles each ${steps(probes.needleEvery)} steps`
        : 'needles when asked',
  },
];

/** Rows that start a new run. */
export const runFolds: readonly FoldRows[] = [
  {
    id: 'packing',
    title: 'Packing',
    paths: [
      'data.order',
      'data.rsdbDocuments',
      'data.rsdbWorkers',
      'data.utkShare',
      'data.utkChunks',
      'data.utkKeepsOrder',
      'data.intraDocumentMask',
    ],
    summary: ({ data }) =>
      [
        data.order === 'rsdb' ? `RSDB of ${steps(data.rsdbDocuments)}` : 'sequential',
        data.utkShare > 0 && `${formatShort(data.utkShare * 100)} % untied`,
        data.intraDocumentMask ? 'masked' : 'not masked',
      ]
        .filter(Boolean)
        .join(', '),
  },
  {
    id: 'attention',
    title: 'Attention',
    paths: [
      'model.headCount',
      'model.kvHeadCount',
      'model.headWidth',
      'model.globalEvery',
      'model.layerTypes',
      'model.positions',
      'model.ropeTheta',
      'model.ropeAlpha',
      'model.qkNorm',
      'model.attentionGate',
      'model.kvShare',
    ],
    summary: ({ model }) => {
      const heads = `${model.headCount}:${model.kvHeadCount} heads`;
      if (model.layerTypes !== '') return `${heads}, ${model.layerTypes}`;
      if (model.globalEvery === 0) return `${heads}, all local`;
      return `${heads}, ${model.globalEvery === 1 ? 'all global' : `global each ${model.globalEvery}`}`;
    },
  },
  {
    id: 'feed-forward',
    title: 'Layers and experts',
    paths: [
      'model.denseLayerCount',
      'model.denseWidth',
      'model.sharedExpertCount',
      'model.expertWidth',
    ],
    summary: ({ model }) => `${model.denseLayerCount} dense, ${mixtureLayers(model).length} MoE`,
  },
  {
    id: 'routing',
    title: 'Routing',
    paths: [
      'model.scoring',
      'model.normalisedGates',
      'model.routeScale',
      'model.overflow',
      'model.capacityFactor',
    ],
    summary: ({ model }) =>
      model.overflow === 'keep' ? model.scoring : `${model.scoring}, ${model.overflow}`,
  },
  {
    id: 'norms',
    title: 'Norms and embedding',
    paths: [
      'model.sandwichNorm',
      'model.depthScaledGain',
      'model.normEps',
      'model.embeddingMultiplier',
      'model.tiedEmbeddings',
      'model.vocabSize',
      'model.family',
    ],
    summary: ({ model }) =>
      `${model.sandwichNorm ? 'sandwich' : 'norm before'}${model.tiedEmbeddings ? ', tied' : ''}`,
  },
  {
    id: 'precision',
    title: 'Precision and start',
    paths: ['model.linearPrecision', 'model.initDistribution', 'model.initScale'],
    summary: ({ model }) =>
      `${optionLabel(model.linearPrecision)}, ${formatShort(model.initScale)} /√D`,
  },
  {
    id: 'which-optimizer',
    title: 'Who moves what',
    paths: ['optimizer.hidden', 'optimizer.routerOptimizer'],
    summary: ({ optimizer }) =>
      optimizer.hidden === 'adamw'
        ? 'AdamW alone'
        : optimizer.routerOptimizer === 'muon'
          ? 'Muon and AdamW'
          : 'router on AdamW',
  },
  {
    id: 'batch-growth',
    title: 'Batch growth',
    about:
      'A step adds up the gradients of its micro-batches. Where their number grows in mid-run, later steps see more text.',
    paths: [
      'schedule.microBatches',
      'schedule.growAt',
      'schedule.grownMicroBatches',
      'schedule.growAgainAt',
      'schedule.grownAgainMicroBatches',
    ],
    summary: ({ schedule }) =>
      [
        schedule.microBatches,
        schedule.growAt > 0 && schedule.grownMicroBatches,
        schedule.growAt > 0 && schedule.growAgainAt > 0 && schedule.grownAgainMicroBatches,
      ]
        .filter((count) => count !== false)
        .join(' → ') + (schedule.growAt > 0 ? ' micro-batches' : ' a step'),
  },
  {
    id: 'memory',
    title: 'Memory',
    paths: ['run.storage', 'run.activationCheckpointing'],
    summary: ({ run }) =>
      `${run.storage}, ${run.activationCheckpointing ? 'blocks recomputed' : 'everything kept'}`,
  },
  {
    id: 'kernels',
    title: 'Kernels',
    paths: ['run.autotune'],
    summary: ({ run }) => (run.autotune ? 'chosen on this adapter' : 'the same everywhere'),
  },
  { id: 'seed', title: 'Seed', paths: ['run.seed'], summary: ({ run }) => String(run.seed) },
];

/** The mixtures of later phases; drawn with a bar for each. */
export const phaseFold: FoldRows = {
  id: 'phases',
  title: 'Later mixtures',
  about:
    'Long runs end on better text: Trinity trains in three phases, each with a mixture of its own. A phase begins at its step; 0 leaves it out. The shares above are those of phase 1.',
  paths: [
    'phase2.startsAt',
    'phase2.novelWeight',
    'phase2.speechesWeight',
    'phase2.codeWeight',
    'phase2.arithmeticWeight',
    'phase2.recallWeight',
    'phase2.ownTextWeight',
    'phase3.startsAt',
    'phase3.novelWeight',
    'phase3.speechesWeight',
    'phase3.codeWeight',
    'phase3.arithmeticWeight',
    'phase3.recallWeight',
    'phase3.ownTextWeight',
  ],
  summary: ({ phase2, phase3 }) => {
    if (phase2.startsAt === 0) return 'one phase';
    const second = `from step ${steps(phase2.startsAt)}`;
    return phase3.startsAt === 0 ? second : `${second} and ${steps(phase3.startsAt)}`;
  },
};
