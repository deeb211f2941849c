/** @file Sequence-wise balance loss of one mixture layer, without its weight. Trinity, eq. 29–32. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/sequenceBalance.wgsl?raw';

const kernel = defineKernel({
  name: 'sequenceBalance',
  wgsl,
  entryPoint: 'main',
  buffers: {
    scores_TE: 'read',
    scoreSum_T: 'read',
    selected_TK: 'read',
    fraction_BE: 'read_write',
    loss_LB: 'read_write',
  },
  params: { B: 'u32', S: 'u32', E: 'u32', K: 'u32', row: 'u32' },
});

export interface SequenceBalance {
  readonly scores_TE: Tensor;
  readonly scoreSum_T: Tensor;
  readonly selected_TK: Tensor;
  /** [L, B]; row `row` is written. */
  readonly loss_LB: Tensor;
  readonly row: number;
  readonly sequenceLength: number;
}

/**
 * Writes sum over experts of f P of every sequence; 1 at perfect balance. Its gradient goes through P only
 * and is taken by `router`. Returns f, [B, E].
 */
export function sequenceBalance(tape: Tape, options: SequenceBalance): Tensor {
  const { scores_TE, scoreSum_T, selected_TK, loss_LB, row, sequenceLength: S } = options;
  const [T, E] = expectShape('sequenceBalance scores_TE', scores_TE, 2);
  const [, K] = expectShape('sequenceBalance selected_TK', selected_TK, 2);
  const B = T / S;
  const [L] = expectShape('sequenceBalance loss_LB', loss_LB, 2);
  expectShape('sequenceBalance loss_LB', loss_LB, [L, B]);
  const fraction_BE = tape.tensor([B, E], 'router fraction');
  const tensors = { scores_TE, scoreSum_T, selected_TK, fraction_BE, loss_LB };
  tape.dispatch(kernel, tensors, { B, S, E, K, row }, B, { cost: T * E * (K + 1) });
  return fraction_BE;
}
