/** @file Rows of the settings table: loss. */
import { float } from '../field';

export const loss = {
  zWeight: float({
    label: 'z-loss weight',
    default: 1e-6,
    min: 0,
    max: 1,
    unit: '',
    log: true,
    live: true,
    help: 'Pulls the log-sum-exp of the logits towards 0.',
    source: 'Trinity, 3.3 and 6',
  }),
  sequenceBalance: float({
    label: 'sequence balance α',
    default: 1e-4,
    min: 0,
    max: 10,
    unit: '',
    log: true,
    live: true,
    help: 'Weight of the sequence-wise balance loss.',
    source: 'Trinity, eq. 29–32',
  }),
  switchBalance: float({
    label: 'switch balance',
    default: 0,
    min: 0,
    max: 10,
    unit: '',
    log: true,
    live: true,
    help: 'Weight of the balance loss over the whole micro-batch. Unknown for Hunyuan-Large; 0.01 is usual.',
    source: 'Switch Transformer, arXiv:2101.03961, eq. 4; Hunyuan-Large code',
  }),
} as const;
