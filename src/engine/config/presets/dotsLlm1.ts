import { definePreset } from './preset';

/**
 * Steps follow from the published tokens and batches: 64, 96 and 128 million tokens a step, from 6 and 8.3 trillion
 * on; the micro-batches here keep those proportions. Bias step and loss weight are not published: DeepSeek-V3's.
 */
export const dotsLlm1 = definePreset({
  id: 'dots-llm1',
  label: 'dots.llm1',
  help: 'Published size, 143 billion parameters. Shown for its plan, with one sequence a micro-batch.',
  source: 'arXiv:2506.05767, Table 6',
  published: true,
  changes: {
    model: {
      family: 'dots',
      vocabSize: 152_064,
      layerCount: 62,
      denseLayerCount: 1,
      width: 4096,
      headCount: 32,
      kvHeadCount: 32,
      headWidth: 128,
      globalEvery: 1,
      positions: 'all',
      ropeTheta: 1e7,
      attentionGate: false,
      sandwichNorm: false,
      denseWidth: 10_944,
      expertCount: 128,
      expertsPerToken: 6,
      sharedExpertCount: 2,
      expertWidth: 1408,
      routeScale: 2.5,
      embeddingMultiplier: false,
      initDistribution: 'normal',
      initScale: 0.384,
    },
    data: { contextLength: 8192, batchSequences: 1, intraDocumentMask: false },
    optimizer: { hidden: 'adamw', adamwLearningRate: 3e-4 },
    balance: { kind: 'sign', gamma: 1e-3, recentre: false },
    loss: { zWeight: 0, sequenceBalance: 1e-4 },
    schedule: {
      warmupSteps: 4000,
      decay: 'linear',
      decayStart: 130_989,
      totalSteps: 138_801,
      finalRatio: 0.1,
      secondDecay: 'linear',
      secondEnd: 140_364,
      secondRatio: 1 / 30,
      microBatches: 2,
      growAt: 93_750,
      grownMicroBatches: 3,
      growAgainAt: 117_708,
      grownAgainMicroBatches: 4,
    },
  },
});
