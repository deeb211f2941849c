/** @file Mean cross-entropy, mean squared log-sum-exp, largest and mean logit over the valid tokens of a step's micro-batches. */

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
  buffers: { targets_T: 'read', stats_T: 'read', sums_T: 'read', losses: 'read_write' },
  params: { T: 'u32', V: 'u32', add: 'u32' },
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
  /** Over all logits of the tokens with a valid target; the largest is 0 where there is none. */
  maxLogit: 5,
  meanLogit: 6,
} as const;

export interface LossSum {
  readonly targets_T: Tensor;
  /** [T, 4] and [T]: what `crossEntropy` keeps of each token. */
  readonly stats_T: Tensor;
  readonly sums_T: Tensor;
  /** Logits of one token. */
  readonly vocabSize: number;
  readonly losses: Tensor;
  /** 1: one micro-batch of several, into losses that were cleared before the first; 0: overwrite. */
  readonly add: 0 | 1;
}

/**
 * losses[0] (+)= live.scale * sum of (lse - logit), losses[1] (+)= live.scale * sum of lse², over valid targets;
 * then what BatchHet needs (Trinity, eq. 40), each micro-batch by its own number of valid targets; then the largest
 * and the mean logit.
 */
export function lossSum(
  tape: Tape,
  { targets_T, stats_T, sums_T, vocabSize: V, losses, add }: LossSum,
  live: LiveBlock<'scale' | 'z'>,
): void {
  const [T] = expectShape('lossSum targets_T', targets_T, 1);
  expectShape('lossSum stats_T', stats_T, [T, 4]);
  expectShape('lossSum sums_T', sums_T, [T]);
  expectShape('lossSum losses', losses, [LOSSES_LENGTH]);
  const tensors = { targets_T, stats_T, sums_T, losses };
  tape.dispatch(kernel, tensors, { T, V, add }, 1, { live, cost: T });
}
