/** @file SwiGLU without its matrices, arXiv:2002.05202, eq. 6, as kernels of its own; `matmul.epilogue.ts` has it behind a product. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
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

/** What goes into SwiGLU and what comes out. */
export interface Gated {
  /** Gate and up side by side: of each row F elements of gate, then F of up. */
  readonly x_T2F: Tensor;
  /** silu(gate) * up, elementwise. */
  readonly y_TF: Tensor;
}

/** The two tensors for T rows, not filled. */
export function gatedTensors(tape: Tape, T: number, F: number, like: Tensor): Gated {
  return {
    x_T2F: tape.tensor([T, 2 * F], `${like.label}(x)`, like.type),
    y_TF: tape.tensor([T, F], 'swiglu', like.type),
  };
}

/** y = silu(gate) * up. @param isPlain never take the faster kernel: for comparing the two. */
export function swigluForward(tape: Tape, { x_T2F, y_TF }: Gated, isPlain = false): void {
  const { kernels, params, groups } = plan(y_TF, isPlain);
  const cost = 10 * y_TF.length;
  tape.dispatch(kernels.forward, { x_T2F, y_TF }, { ...params, add: 0 }, groups, { cost });
}

/** The gradient of gate and up from that of y. */
export function swigluBackward(
  tape: Tape,
  x_T2F: Tensor,
  dy_TF: Tensor,
  { tensor: dx_T2F, add }: GradientTarget,
  isPlain = false,
): void {
  const { kernels, params, groups } = plan(dy_TF, isPlain);
  const cost = 15 * dy_TF.length;
  tape.dispatch(kernels.backward, { x_T2F, dy_TF, dx_T2F }, { ...params, add }, groups, { cost });
}

function plan({ shape }: Tensor, isPlain: boolean) {
  const [T = 0, F = 0] = shape;
  const isFast = F % 4 === 0 && !isPlain;
  const kernels = isFast ? vec4 : plain;
  const threads = isFast ? (T * F) / 4 : T * F;
  return { kernels, params: { T, F }, groups: Math.ceil(threads / kernels.forward.threads) };
}

/** SwiGLU alone: y [T, F] from x [T, 2 F]. Behind a product it costs less: `linearSwiglu`. */
export function swiglu(tape: Tape, x_T2F: Tensor, isPlain = false): Tensor {
  const [T, both] = expectShape('swiglu x_T2F', x_T2F, 2);
  const F = both / 2;
  expectShape('swiglu x_T2F', x_T2F, [T, 2 * Math.floor(F)]);
  const y_TF = tape.tensor([T, F], 'swiglu', x_T2F.type);
  swigluForward(tape, { x_T2F, y_TF }, isPlain);
  tape.onBackward(() => {
    swigluBackward(tape, x_T2F, tape.upstream(y_TF), tape.gradientOf(x_T2F), isPlain);
  });
  return y_TF;
}
