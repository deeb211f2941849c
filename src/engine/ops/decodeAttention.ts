/**
 * @file Attention of one new token over a cache of fixed size: the whole text for a global layer, a ring of
 * the last `window` positions for a local one. Trinity, eq. 1–8.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/decodeAttention.wgsl?raw';
import { type PositionBlock, positionFields } from './rope';

const params = { H: 'u32', G: 'u32', C: 'u32', ring: 'u32', scale: 'f32' } as const;
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
  buffers: { q_H: 'read', kCache: 'read_write', vCache: 'read_write', y_H: 'read_write' },
  params,
  live: positionFields,
});

export interface DecodeAttention {
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** [ring, G * C] each: keys and values of the last `ring` positions. */
  readonly kCache: Tensor;
  readonly vCache: Tensor;
  /** Position of the new token. */
  readonly position: PositionBlock;
}

/** Keeps k and v [1, G * C] of the new token, then attends with q [1, H * C]; returns [1, H * C]. */
export function decodeAttention(
  tape: Tape,
  q_H: Tensor,
  k_G: Tensor,
  v_G: Tensor,
  { headCount: H, kvHeadCount: G, kCache, vCache, position: live }: DecodeAttention,
): Tensor {
  const [, width] = expectShape('decodeAttention q_H', q_H, 2);
  const C = width / H;
  const [ring] = expectShape('decodeAttention kCache', kCache, 2);
  for (const cache of [kCache, vCache]) expectShape('decodeAttention cache', cache, [ring, G * C]);
  for (const row of [k_G, v_G]) expectShape('decodeAttention k_G, v_G', row, [1, G * C]);
  const y_H = tape.tensor([1, width], 'decoded attention');
  const values = { H, G, C, ring, scale: 1 / Math.sqrt(C) };
  tape.dispatch(keep, { k_G, v_G, kCache, vCache }, values, Math.ceil((G * C) / keep.threads), {
    live,
  });
  tape.dispatch(main, { q_H, kCache, vCache, y_H }, values, H, { live, cost: 2 * ring * width });
  return y_H;
}
