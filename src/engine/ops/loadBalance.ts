/** @file The rules that move the router's selection biases: Trinity, arXiv:2602.17004, eq. 19-28. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/loadBalance.wgsl?raw';
import { CLIP_LENGTH } from './gradientNorm';

/** What live `kind` means to the kernel. */
export const balancerKinds = { none: 0, sign: 1, smebu: 2, forced: 3 } as const;

/** gamma and recentre (0 or 1) belong to sign, the three after them to smebu. */
export const loadBalanceLive = {
  kind: 'u32',
  gamma: 'f32',
  recentre: 'u32',
  lambda: 'f32',
  beta: 'f32',
  kappa: 'f32',
} as const satisfies Fields;

const kernel = defineKernel({
  name: 'loadBalance',
  wgsl,
  entryPoint: 'main',
  buffers: {
    counts_LE: 'read',
    bias_LE: 'read_write',
    momentum_LE: 'read_write',
    update_LE: 'read_write',
    clip: 'read',
  },
  params: { L: 'u32', E: 'u32' },
  live: loadBalanceLive,
});

export interface LoadBalanceTensors {
  /** Tokens routed to each expert in the whole step, all micro-batches; u32, less than 2^31 a layer. */
  readonly counts_LE: Tensor;
  readonly bias_LE: Tensor;
  /** Of smebu; other kinds leave it, so the host clears it when it switches smebu on. */
  readonly momentum_LE: Tensor;
  /** What was last added to the bias, for the view. */
  readonly update_LE: Tensor;
  /** From `gradientNorm`. */
  readonly clip: Tensor;
}

/** One bias update of L layers; counts and clip must not share a buffer with the three that are written. */
export function loadBalance(
  tape: Tape,
  tensors: LoadBalanceTensors,
  live: LiveBlock<keyof typeof loadBalanceLive>,
): void {
  const [L, E] = expectShape('loadBalance counts_LE', tensors.counts_LE, 2);
  expectShape('loadBalance bias_LE', tensors.bias_LE, [L, E]);
  expectShape('loadBalance momentum_LE', tensors.momentum_LE, [L, E]);
  expectShape('loadBalance update_LE', tensors.update_LE, [L, E]);
  expectShape('loadBalance clip', tensors.clip, [CLIP_LENGTH]);
  tape.dispatch(kernel, { ...tensors }, { L, E }, L, { live });
}
