/** @file SwiGLU without its matrices, arXiv:2002.05202, eq. 6. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import vec4Wgsl from '@/shaders/swiglu.vec4.wgsl?raw';
import plainWgsl from '@/shaders/swiglu.wgsl?raw';

/** The same two kernels, element by element or four at a time. */
function family(name: string, wgsl: string) {
  const params = { T: 'u32', F: 'u32', add: 'u32' } as const;
  return {
    forward: defineKernel({
      ...{ name, wgsl, params },
      entryPoint: 'forward',
      buffers: { x_T2F: 'read', y_TF: 'read_write' },
    }),
    backward: defineKernel({
      ...{ name, wgsl, params },
      entryPoint: 'backward',
      buffers: { x_T2F: 'read', dy_TF: 'read', dx_T2F: 'read_write' },
    }),
  };
}
const plain = family('swiglu', plainWgsl);
const vec4 = family('swiglu.vec4', vec4Wgsl);

/**
 * y = silu(gate) * up, elementwise, [T, F].
 * @param x_T2F gate and up side by side: of each row F elements of gate, then F of up.
 * @param isPlain never take the faster kernels: for comparing the two.
 */
export function swiglu(tape: Tape, x_T2F: Tensor, isPlain = false): Tensor {
  const [T, both] = expectShape('swiglu x_T2F', x_T2F, 2);
  const F = both / 2;
  expectShape('swiglu x_T2F', x_T2F, [T, 2 * Math.floor(F)]);
  const y_TF = tape.tensor([T, F], 'swiglu', x_T2F.type);
  const isFast = F % 4 === 0 && !isPlain;
  const kernels = isFast ? vec4 : plain;
  const threads = isFast ? (T * F) / 4 : T * F;
  const groups = Math.ceil(threads / kernels.forward.threads);
  tape.dispatch(kernels.forward, { x_T2F, y_TF }, { T, F, add: 0 }, groups, { cost: 10 * T * F });
  tape.onBackward(() => {
    const { tensor: dx_T2F, add } = tape.gradientOf(x_T2F);
    const tensors = { x_T2F, dy_TF: tape.upstream(y_TF), dx_T2F };
    tape.dispatch(kernels.backward, tensors, { T, F, add }, groups, { cost: 15 * T * F });
  });
  return y_TF;
}
