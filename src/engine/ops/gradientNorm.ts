/** @file The global gradient norm, the factor that clips it, and the brake of a run that went astray. */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import vec4Wgsl from '@/shaders/gradientNorm.vec4.wgsl?raw';
import wgsl from '@/shaders/gradientNorm.wgsl?raw';

/** Largest norm allowed; 0 turns clipping off. */
export const gradientNormLive = { limit: 'f32' } as const satisfies Fields;

const params = { N: 'u32', first: 'u32' } as const;
const buffers = { gradients: 'read', partial: 'read_write' } as const;
const sumSquares = {
  plain: defineKernel({ name: 'gradientNorm', wgsl, entryPoint: 'sumSquares', buffers, params }),
  fours: defineKernel({
    name: 'gradientNorm.vec4',
    wgsl: vec4Wgsl,
    entryPoint: 'main',
    buffers,
    params,
  }),
};
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
const MAX_PARTIALS = 1024;

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
  const parts = gradients.map((tensor) => partOf(tensor));
  const P = parts.reduce((sum, { groups }) => sum + groups, 0);
  const partial = tape.tensor([P], 'gradientNorm partials');
  let first = 0;
  for (const { tensor, kernel, N, groups } of parts) {
    const cost = tensor.length;
    tape.dispatch(kernel, { gradients: tensor, partial }, { N, first }, [groups, 1, 1], { cost });
    first += groups;
  }
  tape.dispatch(total, { partial, clip }, { N: P, first: 0 }, 1, { live });
}

/** How one tensor is summed: by which kernel, over how many of its elements or fours, in how many partial sums. */
function partOf(tensor: Tensor) {
  const isFours = tensor.length % 4 === 0;
  const kernel = isFours ? sumSquares.fours : sumSquares.plain;
  const N = isFours ? tensor.length / 4 : tensor.length;
  const groups = Math.ceil(tensor.length / (ELEMENTS_PER_THREAD * kernel.threads));
  return { tensor, kernel, N, groups: Math.min(MAX_PARTIALS, groups) };
}
