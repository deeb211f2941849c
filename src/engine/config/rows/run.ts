/** @file Rows of the settings table: run. */
import { bool, int } from '../field';

export const run = {
  seed: int({
    label: 'Seed',
    default: 7,
    min: 0,
    max: 4_294_967_295,
    unit: '',
    help: 'Decides initial weights, data order and samples. Same seed, same adapter: same bits.',
  }),
  autotune: bool({
    label: 'Choose kernels',
    default: true,
    help: 'Autotune: variants of the matrix kernels race on this adapter before its first run, for under a second, and the fastest serve. All sum in the same order, so results keep their bits. Off: the same kernels on every adapter.',
  }),
  activationCheckpointing: bool({
    label: 'Recompute blocks',
    default: false,
    help: 'Activation checkpointing: each block keeps only its input and runs forward again on the way back. Less memory, longer steps, the same bits.',
    source: 'Chen et al. 2016, arXiv:1604.06174',
  }),
} as const;
