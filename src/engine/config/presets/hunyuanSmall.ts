import { hunyuanMicro } from './hunyuanMicro';
import { definePreset } from './preset';

export const hunyuanSmall = definePreset({
  id: 'hunyuan-small',
  label: 'Hunyuan small',
  help: 'Hunyuan-Large for a graphics card: twelve layers, sixteen experts.',
  source: 'ours; proportions of arXiv:2411.02265',
  changes: {
    ...hunyuanMicro.changes,
    model: {
      ...hunyuanMicro.changes.model,
      layerCount: 12,
      width: 256,
      headCount: 8,
      kvHeadCount: 2,
      headWidth: 32,
      expertCount: 16,
      expertWidth: 512,
      denseWidth: 512,
    },
    data: { contextLength: 512, recallPairs: 8, intraDocumentMask: false },
    optimizer: { hidden: 'adamw', adamwLearningRate: 1e-3, expertRate: 'fixed' },
    schedule: { warmupSteps: 100 },
    probes: { evalEvery: 50, needleEvery: 200, sampleEvery: 200 },
  },
});
