import { definePreset } from './preset';

/** The table's own defaults: collapse and healing show within a hundred steps, on any adapter. */
export const micro = definePreset({
  id: 'micro',
  label: 'micro',
  help: 'Learns in seconds, also on a software adapter.',
  source: 'ours; the smallest Trinity that collapses without a balancer',
  changes: {},
});
