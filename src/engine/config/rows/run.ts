/** @file Rows of the settings table: run. */
import { int } from '../field';

export const run = {
  seed: int({
    label: 'Seed',
    default: 7,
    min: 0,
    max: 4_294_967_295,
    unit: '',
    help: 'Decides initial weights, data order and samples. Same seed, same adapter: same bits.',
  }),
} as const;
