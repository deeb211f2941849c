/** @file Initial weights: a normal distribution cut at three standard deviations, drawn on the device. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/truncatedNormal.wgsl?raw';

/** The 64-bit seed in two words. */
export const truncatedNormalLive = { seedLow: 'u32', seedHigh: 'u32' } as const satisfies Fields;

const kernel = defineKernel({
  name: 'truncatedNormal',
  wgsl,
  entryPoint: 'main',
  buffers: { values: 'read_write' },
  params: { N4: 'u32', stream: 'u32', sigma: 'f32' },
  live: truncatedNormalLive,
});

export interface TruncatedNormal {
  /** Standard deviation before the cut, as in Trinity, arXiv:2602.17004, eq. 37-38. */
  readonly sigma: number;
  /** 0 to 2^32 - 1: tensors with different numbers share no random word under one seed. */
  readonly stream: number;
}

/**
 * Fills a flat tensor. An element depends on seed, stream and its index alone, not on the tensor's length,
 * the adapter's workgroups or what was drawn before.
 */
export function truncatedNormal(
  tape: Tape,
  values: Tensor,
  { sigma, stream }: TruncatedNormal,
  live: LiveBlock<keyof typeof truncatedNormalLive>,
): void {
  const [N] = expectShape('truncatedNormal values', values, 1);
  const N4 = Math.ceil(N / 4);
  const groups = Math.ceil(N4 / kernel.threads);
  tape.dispatch(kernel, { values }, { N4, stream, sigma }, groups, { live, cost: 64 * N });
}
