/**
 * @file Attention of one new token over a cache of fixed size: the whole text for a global layer, a ring of
 * the last `window` positions for a local one. Trinity, eq. 1–8.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/decodeAttention.wgsl?raw';
import { type PositionBlock, positionFields } from './headNormRope';

const params = {
  H: 'u32',
  G: 'u32',
  C: 'u32',
  ring: 'u32',
  window: 'u32',
  isNormed: 'u32',
  scale: 'f32',
  eps: 'f32',
} as const;
const keep = defineKernel({
  name: 'decodeAttention',
  wgsl,
  entryPoint: 'keep',
  buffers: { k_G: 'read', v_G: 'read', kCache: 'read_write', vCache: 'read_write' },
  params,
  live: positionFields,
});
const main = defineKernel({
  name: 'decodeAttention',
  wgsl,
  entryPoint: 'main',
  buffers: {
    q_H: 'read',
    gain_C: 'read',
    kCache: 'read_write',
    vCache: 'read_write',
    y_H: 'read_write',
  },
  params,
  live: positionFields,
});

export interface DecodeAttention {
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** [ring, G * C] each: keys and values of the last `ring` positions. */
  readonly kCache: Tensor;
  readonly vCache: Tensor;
  /** A norm that the cached keys still need: where layers share keys, each has its own. */
  readonly keyNorm: { readonly gain_C: Tensor; readonly eps: number } | undefined;
  /** Positions that the token sees, itself included; undefined: everything in the cache. */
  readonly window: number | undefined;
  /** Position of the new token. */
  readonly position: PositionBlock;
}

/**
 * Attends with q [1, H * C] over the cache; returns [1, H * C].
 * @param fresh key and value [1, G * C] of the new token, kept first; undefined where another layer kept them.
 */
export function decodeAttention(
  tape: Tape,
  q_H: Tensor,
  fresh: { readonly k_G: Tensor; readonly v_G: Tensor } | undefined,
  options: DecodeAttention,
): Tensor {
  const { headCount: H, kvHeadCount: G, kCache, vCache, keyNorm, position: live } = options;
  const [, width] = expectShape('decodeAttention q_H', q_H, 2);
  const C = width / H;
  const [ring] = expectShape('decodeAttention kCache', kCache, 2);
  for (const cache of [kCache, vCache]) expectShape('decodeAttention cache', cache, [ring, G * C]);
  const y_H = tape.tensor([1, width], 'decoded attention');
  const values = {
    ...{ H, G, C, ring, window: options.window ?? ring, scale: 1 / Math.sqrt(C) },
    isNormed: Number(keyNorm !== undefined),
    eps: keyNorm?.eps ?? 0,
  };
  if (fresh) {
    for (const row of Object.values(fresh)) expectShape('decodeAttention fresh', row, [1, G * C]);
    const groups = Math.ceil((G * C) / keep.threads);
    tape.dispatch(keep, { ...fresh, kCache, vCache }, values, groups, { live });
  }
  const tensors = { q_H, gain_C: keyNorm?.gain_C ?? q_H, kCache, vCache, y_H };
  tape.dispatch(main, tensors, values, H, { live, cost: 2 * ring * width });
  return y_H;
}
