/** @file Transposed copies of matrices, for products whose loads would otherwise go across the rows. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/transpose.wgsl?raw';

const kernel = defineKernel({
  name: 'transpose',
  wgsl,
  entryPoint: 'main',
  buffers: { x: 'read', y: 'read_write' },
  params: { batch: 'u32', N: 'u32', K: 'u32' },
});

export interface Matrices {
  readonly batch: number;
  /** Rows and columns, both in whole fours. */
  readonly N: number;
  readonly K: number;
}

/** [batch, N, K] to [batch, K, N]. Has no way back: products take the gradient of what they were given. */
export function transpose(tape: Tape, x: Tensor, { batch, N, K }: Matrices): Tensor {
  if (N % 4 !== 0 || K % 4 !== 0 || x.length !== batch * N * K) {
    throw new RangeError(
      `transpose: want ${batch} matrices of ${N} x ${K} in whole fours, got ${x.length} elements`,
    );
  }
  const y = tape.tensor([batch, K, N], `${x.label} transposed`, x.type);
  const blocks = (batch * N * K) / 16;
  tape.dispatch(kernel, { x, y }, { batch, N, K }, Math.ceil(blocks / kernel.threads), {
    cost: batch * N * K,
  });
  return y;
}
