import { definePreset } from './preset';

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
    schedule: { warmupSteps: 2000 },
  },
});
