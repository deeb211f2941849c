import { definePreset } from './preset';

export const mini = definePreset({
  id: 'trinity-mini',
  label: 'Mini',
  help: 'Published size, 26.1 billion parameters. Shown for its plan, with one sequence a step.',
  source: 'Trinity, Table 1',
  published: true,
  changes: {
    model: {
      vocabSize: 200_192,
      layerCount: 32,
      denseLayerCount: 2,
      width: 2048,
      headCount: 32,
      kvHeadCount: 4,
      headWidth: 128,
      window: 2048,
      denseWidth: 6144,
      expertCount: 128,
      expertsPerToken: 8,
      expertWidth: 1024,
      routeScale: 2.826,
    },
    data: { contextLength: 4096, batchSequences: 1, intraDocumentMask: false },
    optimizer: { muonLearningRate: 1e-3, adamwLearningRate: 2e-4 },
    balance: { kind: 'sign', gamma: 1e-3 },
    loss: { sequenceBalance: 0 },
    schedule: { warmupSteps: 2000 },
  },
});
