/** @file AdamW over a flat range of parameters: arXiv:1711.05101, algorithm 2. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/adamw.wgsl?raw';
import { CLIP_LENGTH } from './gradientNorm';

/** Rate of this step after the schedule; correction1 and 2 are `biasCorrection` of the two betas. */
export const adamwLive = {
  lr: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  eps: 'f32',
  weightDecay: 'f32',
  correction1: 'f32',
  correction2: 'f32',
} as const satisfies Fields;

const kernel = defineKernel({
  name: 'adamw',
  wgsl,
  entryPoint: 'main',
  buffers: {
    weights: 'read_write',
    gradients: 'read',
    moment1: 'read_write',
    moment2: 'read_write',
    clip: 'read',
  },
  params: { N4: 'u32' },
  live: adamwLive,
});

export interface AdamwTensors {
  /** Flat, as are all but `clip`, and of one length. */
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
  /** From `gradientNorm`. */
  readonly clip: Tensor;
}

/**
 * One step of all `weights`. Gradients and clip are read, the rest written: WebGPU wants the two kinds in
 * different buffers.
 */
export function adamw(
  tape: Tape,
  tensors: AdamwTensors,
  live: LiveBlock<keyof typeof adamwLive>,
): void {
  const { weights, gradients, moment1, moment2, clip } = tensors;
  const [N] = expectShape('adamw weights', weights, 1);
  expectShape('adamw gradients', gradients, [N]);
  expectShape('adamw moment1', moment1, [N]);
  expectShape('adamw moment2', moment2, [N]);
  expectShape('adamw clip', clip, [CLIP_LENGTH]);
  const N4 = Math.ceil(N / 4);
  const groups = Math.ceil(N4 / kernel.threads);
  tape.dispatch(kernel, { ...tensors }, { N4 }, groups, { live, cost: 4 * N });
}
