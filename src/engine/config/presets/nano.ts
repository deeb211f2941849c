import { definePreset } from './preset';

export const nano = definePreset({
  id: 'trinity-nano',
  label: 'Nano',
  help: 'Published size, 6.12 billion parameters. Shown for its plan, with one sequence a step.',
  source: 'Trinity, Table 1',
  published: true,
  changes: {
    model: {
      vocabSize: 200_192,
      layerCount: 56,
      denseLayerCount: 2,
      width: 1024,
      headCount: 8,
      kvHeadCount: 2,
      headWidth: 128,
      window: 2048,
      denseWidth: 3072,
      expertCount: 128,
      expertsPerToken: 8,
      expertWidth: 256,
      routeScale: 2.826,
    },
    data: { contextLength: 4096, batchSequences: 1, intraDocumentMask: false },
    optimizer: { muonLearningRate: 1e-3, adamwLearningRate: 3e-4 },
    balance: { kind: 'sign', gamma: 1e-3 },
    loss: { sequenceBalance: 0 },
    schedule: { warmupSteps: 2000 },
  },
});
