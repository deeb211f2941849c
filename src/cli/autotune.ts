/** @file The option of every command that runs kernels: whether they are chosen for this adapter. */
import type { TuningStore } from '@/engine/index';
import type { Input, Option } from './command';
import type { Host } from './host';
import { tuningFile } from './tuningFile';

export const autotuneOption: Readonly<Record<'no-autotune', Option>> = {
  'no-autotune': {
    help: 'Take the same kernels as on any adapter, and measure none; results have the same bits.',
  },
};

/** Where choices are kept; undefined where none are to be made. */
export const tuningsOf = ({ options }: Input, { cache }: Host): TuningStore | undefined =>
  cache === undefined || options.has('no-autotune') ? undefined : tuningFile(cache);
