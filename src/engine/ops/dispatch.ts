/**
 * @file Sorts (token, choice) rows by expert, so that one grouped product serves all experts. Stable and
 * without atomics: the same choices always give the same order. No row is dropped.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/dispatch.wgsl?raw';

const params = { R: 'u32', E: 'u32', tiles: 'u32', row: 'u32' } as const;
const count = defineKernel({
  name: 'dispatch',
  wgsl,
  entryPoint: 'count',
  buffers: { selected_R: 'read', tileCounts: 'read_write' },
  params,
});
const scatter = defineKernel({
  name: 'dispatch',
  wgsl,
  entryPoint: 'scatter',
  buffers: {
    selected_R: 'read',
    tileCounts: 'read_write',
    counts_LE: 'read_write',
    segments: 'read_write',
    sorted_R: 'read_write',
    source_R: 'read_write',
  },
  params,
});

const TILE = 256;
/** Rows of one tile of a grouped product; `dispatch.wgsl` has it too. */
export const BLOCK = 32;

/** The rows of one mixture layer in the order of their experts. R = T * K rows. */
export interface Dispatched {
  readonly expertCount: number;
  readonly expertsPerToken: number;
  readonly rowCount: number;
  /** u32 [2 (E + 1)]: first sorted row of each expert and the end; first block of each expert and the end. */
  readonly segments: Tensor;
  /** u32 [R]: place of row t * K + k in the sorted order. */
  readonly sorted_R: Tensor;
  /** u32 [R]: the row at each sorted place. */
  readonly source_R: Tensor;
}

/**
 * @param selected_TK u32 [T, K] expert of each row.
 * @param counts_LE u32 [L, E]; row `row` gets the number of rows of each expert.
 */
export function dispatch(
  tape: Tape,
  selected_TK: Tensor,
  counts_LE: Tensor,
  row: number,
): Dispatched {
  const [T, K] = expectShape('dispatch selected_TK', selected_TK, 2);
  const [, E] = expectShape('dispatch counts_LE', counts_LE, 2);
  const R = T * K;
  const tiles = Math.ceil(R / TILE);
  const selected_R = selected_TK.view([R]);
  const tileCounts = tape.tensor([tiles, E], 'dispatch tiles', 'u32');
  const segments = tape.tensor([2 * (E + 1)], 'dispatch segments', 'u32');
  const sorted_R = tape.tensor([R], 'dispatch sorted', 'u32');
  const source_R = tape.tensor([R], 'dispatch source', 'u32');
  const values = { R, E, tiles, row };
  const overrides = { EXPERTS: E };
  tape.dispatch(count, { selected_R, tileCounts }, values, tiles, { cost: R * E, overrides });
  const written = { counts_LE, segments, sorted_R, source_R };
  tape.dispatch(scatter, { selected_R, tileCounts, ...written }, values, tiles, {
    cost: R * TILE + tiles * tiles * E,
    overrides,
  });
  return { expertCount: E, expertsPerToken: K, rowCount: R, segments, sorted_R, source_R };
}
