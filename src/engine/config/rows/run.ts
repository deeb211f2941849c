/** @file Rows of the settings table: run. */
import { bool, choice, int } from '../field';

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
  storage: choice(['f32', 'bf16', 'f16'], {
    label: 'Storage',
    default: 'f32',
    help: 'How the matrices that products read and what lies between them are stored. Sums, gradients, the residual stream, the router and the weights that the optimizer moves stay float32.',
    source: 'Micikevicius et al. 2017, arXiv:1710.03740',
    optionHelp: {
      f32: 'Everything in float32.',
      bf16: 'The range of float32 with eight bits of precision.',
      f16: 'Eleven bits of precision; numbers beyond 65,504 become infinite.',
    },
  }),
  activationCheckpointing: bool({
    label: 'Recompute blocks',
    default: false,
    help: 'Activation checkpointing: each block keeps only its input and runs forward again on the way back. Less memory, longer steps, the same bits.',
    source: 'Chen et al. 2016, arXiv:1604.06174',
  }),
} as const;
