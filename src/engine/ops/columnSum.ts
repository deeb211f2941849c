/**
 * @file Sum over the rows of a matrix: the second stage of reductions over many tokens, such as the gradient of a gain.
 * Norms leave their first stage where one sum at the end of the pass takes those of all gains, if somebody bound it.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, PartialSums, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import columnSumWgsl from '@/shaders/columnSum.wgsl?raw';

const kernel = defineKernel({
  name: 'columnSum',
  wgsl: columnSumWgsl,
  entryPoint: 'main',
  buffers: { x_PN: 'read', y_N: 'read_write' },
  params: { P: 'u32', N: 'u32', stride: 'u32', first: 'u32', add: 'u32' },
});

/** Chunks into which a sum over `rows` is split: enough threads for a GPU, few enough to add up. */
export const chunkCount = (rows: number): number => Math.max(1, Math.min(64, Math.ceil(rows / 32)));

/** into[n] (+)= sum over p of x[p, first + n]; x may have more columns than `into`. */
export function columnSum(tape: Tape, x_PN: Tensor, into: GradientTarget, first = 0): void {
  const [P, stride] = expectShape('columnSum x_PN', x_PN, 2);
  const [N] = expectShape('columnSum into', into.tensor, 1);
  if (first + N > stride)
    throw new RangeError(`columnSum x_PN: want ${first + N} columns, got ${stride}`);
  const { tensor: y_N, add } = into;
  const groups = Math.ceil(N / kernel.threads);
  tape.dispatch(kernel, { x_PN, y_N }, { P, N, stride, first, add }, groups, { cost: P * N });
}

/** Columns that the sums of D channels take: norms write whole workgroups of them, with 0 past D. */
export const sumWidth = (D: number): number => 64 * Math.ceil(D / 64);

export interface GainSums extends PartialSums {
  /** Records what is left to do once the sums are written. */
  finish(): void;
}

/**
 * Where a norm over `rows` rows leaves the sums of its gains, all [D]: in the columns that somebody bound to them, or
 * in a matrix of its own, which is added to the gradients at once.
 */
export function gainSums(tape: Tape, gains: readonly Tensor[], rows: number): GainSums {
  const bound = tape.takeSums(gains);
  if (bound) return { ...bound, finish: () => {} };
  const width = sumWidth(gains[0]!.length);
  const sums_PN = tape.tensor([chunkCount(rows), gains.length * width], 'gain sums');
  const columns = gains.map((_, i) => i * width);
  const finish = () => {
    for (const [i, gain] of gains.entries())
      columnSum(tape, sums_PN, tape.gradientOf(gain), columns[i]);
  };
  return { sums_PN, columns, finish };
}
