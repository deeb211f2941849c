/** @file The global gradient norm, the factor that clips it, and the brake of a run that went astray. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/gradientNorm.wgsl?raw';

/** Largest norm allowed; 0 turns clipping off. */
export const gradientNormLive = { limit: 'f32' } as const satisfies Fields;

const params = { N: 'u32', first: 'u32' } as const;
const sumSquares = defineKernel({
  name: 'gradientNorm',
  wgsl,
  entryPoint: 'sumSquares',
  buffers: { gradients: 'read', partial: 'read_write' },
  params,
});
const total = defineKernel({
  name: 'gradientNorm',
  wgsl,
  entryPoint: 'total',
  buffers: { partial: 'read_write', clip: 'read_write' },
  params,
  live: gradientNormLive,
});

/** Elements that one thread adds up before a second workgroup is worth starting. */
const ELEMENTS_PER_THREAD = 64;
const MAX_PARTIALS = 256;

/** What clipping left for the optimizer: [norm before clipping, scale, isHalted as 0 or 1, unused]. */
export const CLIP_LENGTH = 4;

/**
 * Writes `clip` from all gradients together. `gradients` are flat float32 tensors; what lies between
 * their parameters must be 0. isHalted turns 1 when the norm is not finite and stays so until the host
 * clears `clip`; the norm keeps being measured. `clip` outlives the step and shares no buffer with
 * anything that the optimizer or the balancer writes.
 */
export function gradientNorm(
  tape: Tape,
  { gradients, clip }: { gradients: readonly Tensor[]; clip: Tensor },
  live: LiveBlock<keyof typeof gradientNormLive>,
): void {
  expectShape('gradientNorm clip', clip, [CLIP_LENGTH]);
  const counts = gradients.map(({ length }) => {
    const groups = Math.ceil(length / (ELEMENTS_PER_THREAD * sumSquares.threads));
    return Math.min(MAX_PARTIALS, groups);
  });
  const P = counts.reduce((sum, count) => sum + count, 0);
  const partial = tape.tensor([P], 'gradientNorm partials');
  let first = 0;
  gradients.forEach((tensor, i) => {
    const cost = tensor.length;
    const buffers = { gradients: tensor, partial };
    tape.dispatch(sumSquares, buffers, { N: tensor.length, first }, [counts[i]!, 1, 1], { cost });
    first += counts[i]!;
  });
  tape.dispatch(total, { partial, clip }, { N: P, first: 0 }, 1, { live });
}
