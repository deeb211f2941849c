/** @file Rotary positions, arXiv:2104.09864, eq. 34, rotate-half layout. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import ropeWgsl from '@/shaders/rope.wgsl?raw';

export const positionFields = { offset: 'u32' } as const;
/** Position of the first token of a sequence: 0 in training, the length so far in generation. */
export type PositionBlock = LiveBlock<'offset'>;

const kernel = defineKernel({
  name: 'rope',
  wgsl: ropeWgsl,
  entryPoint: 'main',
  buffers: { x_TD: 'read', table_PC: 'read', y_TD: 'read_write' },
  params: { pairs: 'u32', width: 'u32', C: 'u32', S: 'u32', turn: 'f32', add: 'u32' },
  live: positionFields,
});

/** Cosines and sines of `positions` positions, [positions, C], made in float64; angle base^(-2j/C) a position. */
export function ropeTable(positions: number, C: number, base: number): Float32Array {
  const table = new Float32Array(positions * C);
  const half = C / 2;
  for (let p = 0; p < positions; p++) {
    for (let j = 0; j < half; j++) {
      const angle = p * base ** ((-2 * j) / C);
      table[p * C + j] = Math.cos(angle);
      table[p * C + half + j] = Math.sin(angle);
    }
  }
  return table;
}

export interface Rope {
  readonly table_PC: Tensor;
  /** S: tokens of one sequence. */
  readonly sequenceLength: number;
  readonly position: PositionBlock;
}

/** Turns every head of x [T, heads * C] by its position; C is the width of the table. */
export function rope(tape: Tape, x_TD: Tensor, options: Rope): Tensor {
  const [T, D] = expectShape('rope x_TD', x_TD, 2);
  const y_TD = tape.tensor([T, D], `rope(${x_TD.label})`);
  turn(tape, x_TD, options, { tensor: y_TD, add: 0 }, 1);
  tape.onBackward(() => turn(tape, tape.upstream(y_TD), options, tape.gradientOf(x_TD), -1));
  return y_TD;
}

function turn(
  tape: Tape,
  x_TD: Tensor,
  { table_PC, sequenceLength, position }: Rope,
  { tensor: y_TD, add }: GradientTarget,
  direction: 1 | -1,
): void {
  const [T, width] = expectShape('rope x_TD', x_TD, 2);
  const [, C] = expectShape('rope table_PC', table_PC, 2);
  if (width % C !== 0)
    throw new RangeError(`rope x_TD: want whole heads of ${C}, got a width of ${width}`);
  const pairs = (T * width) / 2;
  const params = { pairs, width, C, S: sequenceLength, turn: direction, add };
  const groups = Math.ceil(pairs / kernel.threads);
  tape.dispatch(kernel, { x_TD, table_PC, y_TD }, params, groups, {
    live: position,
    cost: 4 * pairs,
  });
}
