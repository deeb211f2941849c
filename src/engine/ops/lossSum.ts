/** @file Mean cross-entropy and mean squared log-sum-exp over the valid tokens of a batch. */

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
  params: { T: 'u32' },
  live: { scale: 'f32', z: 'f32' },
});

/** losses[0] = live.scale * sum of (lse - logit), losses[1] = live.scale * sum of lse², over valid targets. */
export function lossSum(
  tape: Tape,
  targets_T: Tensor,
  stats_T: Tensor,
  losses: Tensor,
  live: LiveBlock<'scale' | 'z'>,
): void {
  const [T] = expectShape('lossSum targets_T', targets_T, 1);
  expectShape('lossSum stats_T', stats_T, [T, 4]);
  expectShape('lossSum losses', losses, [2]);
  tape.dispatch(kernel, { targets_T, stats_T, losses }, { T }, 1, { live, cost: T });
}
