/** @file The measured softmax weights of one head of one sequence, for a view: the only S x S map there is. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/attentionMap.wgsl?raw';
import type { Attention } from './attention';

/** Which head of which sequence of the batch. */
export const attentionMapFields = { head: 'u32', sequence: 'u32' } as const;

const kernel = defineKernel({
  name: 'attentionMap',
  wgsl,
  entryPoint: 'main',
  buffers: { q_TH: 'read', k_TG: 'read', lse_TH: 'read', documents_T: 'read', map: 'read_write' },
  params: {
    S: 'u32',
    H: 'u32',
    G: 'u32',
    C: 'u32',
    window: 'u32',
    masked: 'u32',
    scale: 'f32',
    side: 'u32',
  },
  live: attentionMapFields,
});

export interface AttentionMapInputs {
  readonly q_TH: Tensor;
  readonly k_TG: Tensor;
  /** Log-sum-exp that the forward pass left. */
  readonly lse_TH: Tensor;
  readonly documents_T: Tensor;
}

/** map [side, side], side <= S: weights among the first `side` tokens, exact because attention is causal. */
export function attentionMap(
  tape: Tape,
  inputs: AttentionMapInputs,
  map: Tensor,
  options: Attention,
  live: LiveBlock<'head' | 'sequence'>,
): void {
  const {
    sequenceLength: S,
    headCount: H,
    kvHeadCount: G,
    window = S,
    isMaskedByDocument,
  } = options;
  const [, width] = expectShape('attentionMap q_TH', inputs.q_TH, 2);
  const [side] = expectShape('attentionMap map', map, 2);
  const C = width / H;
  const params = {
    S,
    H,
    G,
    C,
    window,
    masked: Number(isMaskedByDocument),
    scale: 1 / Math.sqrt(C),
    side,
  };
  const groups = Math.ceil((side * side) / kernel.threads);
  tape.dispatch(kernel, { ...inputs, map }, params, groups, { live, cost: side * side * C });
}
