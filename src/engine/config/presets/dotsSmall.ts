import { dotsMicro } from './dotsMicro';
import { definePreset } from './preset';

export const dotsSmall = definePreset({
  id: 'dots-small',
  label: 'dots small',
  help: 'dots.llm1 for a graphics card: twelve layers, six of thirty-two experts.',
  source: 'ours; proportions of arXiv:2506.05767',
  changes: {
    ...dotsMicro.changes,
    model: {
      ...dotsMicro.changes.model,
      layerCount: 12,
      width: 256,
      headCount: 8,
      kvHeadCount: 8,
      headWidth: 32,
      denseWidth: 688,
      expertCount: 32,
      expertsPerToken: 6,
      expertWidth: 88,
    },
    data: { contextLength: 512, recallPairs: 8, intraDocumentMask: false },
    optimizer: { hidden: 'adamw', adamwLearningRate: 1e-3 },
    schedule: { warmupSteps: 100 },
    probes: { evalEvery: 50, needleEvery: 200, sampleEvery: 200 },
  },
});
