/** @file Initial weights: a normal distribution, whole or cut at three standard deviations, drawn on the device. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/normal.wgsl?raw';

/** The 64-bit seed in two words. */
export const normalLive = { seedLow: 'u32', seedHigh: 'u32' } as const satisfies Fields;

const shared = {
  name: 'normal',
  wgsl,
  buffers: { values: 'read_write' },
  params: { N4: 'u32', stream: 'u32', sigma: 'f32' },
  live: normalLive,
} as const;
const kernels = {
  truncated: defineKernel({ ...shared, entryPoint: 'truncated' }),
  normal: defineKernel({ ...shared, entryPoint: 'whole' }),
};

export interface Normal {
  /** `truncated` is Trinity's, arXiv:2602.17004, eq. 37-38; `normal` that of dots.llm1, arXiv:2506.05767, 4.2. */
  readonly distribution: 'truncated' | 'normal';
  /** Standard deviation, before the cut where there is one. */
  readonly sigma: number;
  /** 0 to 2^32 - 1: tensors with different numbers share no random word under one seed. */
  readonly stream: number;
}

/**
 * Fills a flat tensor. An element depends on distribution, seed, stream and its index alone, not on the
 * tensor's length, the adapter's workgroups or what was drawn before.
 */
export function normal(
  tape: Tape,
  values: Tensor,
  { distribution, sigma, stream }: Normal,
  live: LiveBlock<keyof typeof normalLive>,
): void {
  const [N] = expectShape('normal values', values, 1);
  const N4 = Math.ceil(N / 4);
  const kernel = kernels[distribution];
  const groups = Math.ceil(N4 / kernel.threads);
  tape.dispatch(kernel, { values }, { N4, stream, sigma }, groups, { live, cost: 64 * N });
}
