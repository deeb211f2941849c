import { definePreset } from './preset';

export const small = definePreset({
  id: 'small',
  label: 'small',
  help: 'For a graphics card: a dozen layers, thirty-two experts.',
  source: 'ours; proportions of Trinity Nano',
  changes: {
    model: {
      layerCount: 12,
      denseLayerCount: 2,
      width: 256,
      headCount: 4,
      kvHeadCount: 2,
      headWidth: 64,
      window: 128,
      denseWidth: 768,
      expertCount: 32,
      expertsPerToken: 4,
      expertWidth: 128,
    },
    data: { contextLength: 512, batchSequences: 8, recallPairs: 8 },
    optimizer: { muonLearningRate: 0.01, adamwLearningRate: 2e-3 },
    schedule: { warmupSteps: 50 },
    probes: { evalEvery: 50, needleEvery: 200, sampleEvery: 200 },
  },
});
