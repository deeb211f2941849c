/** @file Sum over the rows of a matrix: the second stage of reductions over many tokens. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import columnSumWgsl from '@/shaders/columnSum.wgsl?raw';

const kernel = defineKernel({
  name: 'columnSum',
  wgsl: columnSumWgsl,
  entryPoint: 'main',
  buffers: { x_PN: 'read', y_N: 'read_write' },
  params: { P: 'u32', N: 'u32', add: 'u32' },
});

/** Chunks into which a sum over `rows` is split: enough threads for a GPU, few enough to add up. */
export const chunkCount = (rows: number): number => Math.max(1, Math.min(64, Math.ceil(rows / 32)));

/** into[n] (+)= sum over p of x[p, n]. */
export function columnSum(tape: Tape, x_PN: Tensor, into: GradientTarget): void {
  const [P, N] = expectShape('columnSum x_PN', x_PN, 2);
  expectShape('columnSum into', into.tensor, [N]);
  const { tensor: y_N, add } = into;
  tape.dispatch(kernel, { x_PN, y_N }, { P, N, add }, Math.ceil(N / kernel.threads), {
    cost: P * N,
  });
}
