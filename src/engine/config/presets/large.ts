import { definePreset } from './preset';

/**
 * Steps follow from the published tokens: 100.7 million a step, 134.2 million from 4.9 trillion on; decay in
 * phase 3, from 14.1 to 17 trillion, then 117 billion for the long context without a second warm-up.
 */
export const large = definePreset({
  id: 'trinity-large',
  label: 'Large',
  help: 'Published size, 399 billion parameters. Shown for its plan, with one sequence a step.',
  source: 'Trinity, Table 1',
  published: true,
  changes: {
    model: {
      vocabSize: 200_192,
      layerCount: 60,
      denseLayerCount: 6,
      width: 3072,
      headCount: 48,
      kvHeadCount: 8,
      headWidth: 128,
      window: 4096,
      denseWidth: 12_288,
      expertCount: 256,
      expertsPerToken: 4,
      expertWidth: 3072,
      routeScale: 2.448,
    },
    data: { contextLength: 8192, batchSequences: 1, intraDocumentMask: true },
    optimizer: { muonLearningRate: 8e-4, adamwLearningRate: 2e-4 },
    balance: { kind: 'smebu', lambda: 5e-4 },
    loss: { sequenceBalance: 1e-4 },
    schedule: {
      warmupSteps: 2000,
      decay: 'cosine',
      decayStart: 117_224,
      totalSteps: 138_831,
      finalRatio: 0.1,
      secondDecay: 'cosine',
      secondEnd: 139_703,
      secondRatio: 0.05,
      microBatches: 3,
      growAt: 48_678,
      grownMicroBatches: 4,
    },
  },
});
