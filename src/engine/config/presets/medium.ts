import { definePreset } from './preset';

export const medium = definePreset({
  id: 'medium',
  label: 'medium',
  help: 'About a hundred million parameters; wants a strong graphics card.',
  source: 'ours; proportions of Trinity Nano',
  changes: {
    model: {
      layerCount: 16,
      denseLayerCount: 2,
      width: 384,
      headCount: 6,
      kvHeadCount: 2,
      headWidth: 64,
      window: 256,
      denseWidth: 1152,
      expertCount: 48,
      expertsPerToken: 4,
      expertWidth: 128,
    },
    data: { contextLength: 1024, batchSequences: 4, recallPairs: 8 },
    optimizer: { muonLearningRate: 0.01, adamwLearningRate: 1e-3 },
    schedule: { warmupSteps: 200 },
    probes: { evalEvery: 100, needleEvery: 500, sampleEvery: 250 },
  },
});
