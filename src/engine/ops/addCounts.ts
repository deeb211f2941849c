/** @file Adds counts to counts: the tokens of each expert over the micro-batches of a step. Exact. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/addCounts.wgsl?raw';

const kernel = defineKernel({
  name: 'addCounts',
  wgsl,
  entryPoint: 'main',
  buffers: { counts_N: 'read', total_N: 'read_write' },
  params: { N: 'u32' },
});

/** total += counts, u32 of any equal shape. The two must not share a buffer; sums stay below 2^32. */
export function addCounts(tape: Tape, counts: Tensor, total: Tensor): void {
  expectShape('addCounts total', total, counts.shape);
  const N = counts.length;
  const tensors = { counts_N: counts, total_N: total };
  tape.dispatch(kernel, tensors, { N }, Math.ceil(N / kernel.threads), { cost: N });
}
