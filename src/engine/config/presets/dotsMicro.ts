import { definePreset } from './preset';

export const dotsMicro = definePreset({
  id: 'dots-micro',
  label: 'dots micro',
  help: 'dots.llm1 at the size of micro: full attention, two shared experts, three of sixteen routed.',
  source: 'ours; mechanisms of arXiv:2506.05767',
  changes: {
    model: {
      family: 'dots',
      kvHeadCount: 4,
      globalEvery: 1,
      positions: 'all',
      attentionGate: false,
      sandwichNorm: false,
      expertsPerToken: 3,
      sharedExpertCount: 2,
      expertWidth: 24,
      routeScale: 2.5,
      embeddingMultiplier: false,
      initScale: 0.8,
    },
    data: { intraDocumentMask: false },
    optimizer: { hidden: 'adamw' },
    balance: { kind: 'sign', gamma: 5e-3, recentre: false },
    loss: { zWeight: 0, sequenceBalance: 1e-4 },
  },
});
