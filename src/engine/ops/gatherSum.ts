/** @file Adds the rows of the experts up by token, unweighted: y[t] (+)= sum over k of x[sorted[t K + k]]. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/gatherSum.wgsl?raw';
import type { Dispatched } from './dispatch';

const kernel = defineKernel({
  name: 'gatherSum',
  wgsl,
  entryPoint: 'main',
  buffers: { x_RD: 'read', sorted_R: 'read', y_TD: 'read_write' },
  params: { T: 'u32', D: 'u32', K: 'u32', add: 'u32' },
});

/** x [R, D] in sorted order; into [T, D]. */
export function gatherSum(
  tape: Tape,
  x_RD: Tensor,
  dispatched: Dispatched,
  into: GradientTarget,
): void {
  const { expertsPerToken: K, rowCount: R, sorted_R } = dispatched;
  const [, D] = expectShape('gatherSum x_RD', x_RD, 2);
  const T = R / K;
  expectShape('gatherSum into', into.tensor, [T, D]);
  const groups = Math.ceil((T * D) / kernel.threads);
  const tensors = { x_RD, sorted_R, y_TD: into.tensor };
  tape.dispatch(kernel, tensors, { T, D, K, add: into.add }, groups, { cost: R * D });
}
