/** @file Mean cross-entropy and mean squared log-sum-exp over the valid tokens of a step's micro-batches. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/lossSum.wgsl?raw';

const kernel = defineKernel({
  name: 'lossSum',
  wgsl,
  entryPoint: 'main',
  buffers: { targets_T: 'read', stats_T: 'read', losses: 'read_write' },
  params: { T: 'u32', add: 'u32' },
  live: { scale: 'f32', z: 'f32' },
});

/** Elements of `losses`: see `lossSum`. */
export const LOSSES_LENGTH = 8;

/** Where `losses` has what. */
export const lossAt = {
  crossEntropy: 0,
  squaredLse: 1,
  /** Sum and largest of the micro-batches' own mean cross-entropies, and how many had a valid target. */
  microBatchSum: 2,
  microBatchLargest: 3,
  microBatchCount: 4,
} as const;

/**
 * losses[0] (+)= live.scale * sum of (lse - logit), losses[1] (+)= live.scale * sum of lse², over valid targets;
 * then what BatchHet needs (Trinity, eq. 40), each micro-batch by its own number of valid targets.
 * @param add 1: one micro-batch of several, into losses that were cleared before the first; 0: overwrite.
 */
export function lossSum(
  tape: Tape,
  targets_T: Tensor,
  stats_T: Tensor,
  losses: Tensor,
  live: LiveBlock<'scale' | 'z'>,
  add: 0 | 1,
): void {
  const [T] = expectShape('lossSum targets_T', targets_T, 1);
  expectShape('lossSum stats_T', stats_T, [T, 4]);
  expectShape('lossSum losses', losses, [LOSSES_LENGTH]);
  tape.dispatch(kernel, { targets_T, stats_T, losses }, { T, add }, 1, { live, cost: T });
}
