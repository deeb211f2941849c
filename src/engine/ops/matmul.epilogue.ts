/**
 * @file What becomes of the sums of a product by fours: they are stored, or go through SwiGLU first, on the way there or back.
 * Kernels that leave that open have one text, to which an epilogue is appended; the others store, and SwiGLU follows.
 */
import { type Access, defineKernel, type Kernel, type KernelSpec } from '@/engine/gpu/kernel';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import storeWgsl from '@/shaders/matmul.epilogue.wgsl?raw';
import backwardWgsl from '@/shaders/swiglu.backward.epilogue.wgsl?raw';
import forwardWgsl from '@/shaders/swiglu.epilogue.wgsl?raw';
import { type Gated, swigluBackward, swigluForward } from './swiglu';

/** What a product does beside storing its result [T, N]. */
export type Epilogue =
  /** The result is gate and up, N = 2 F; the product of both with SwiGLU is made too. */
  | { readonly kind: 'swiglu'; readonly gated: Gated }
  /** The result would be the gradient of `gated.y_TF`, N = F; instead that of gate and up is stored. */
  | { readonly kind: 'swigluBackward'; readonly gated: Gated };

/** A product of either op, as far as its end goes. */
export interface Ending {
  readonly into: GradientTarget;
  readonly epilogue?: Epilogue | undefined;
}

/** Where a product ends that makes the gradient of what a layer read. */
export function gradientEnding(tape: Tape, x: Tensor | Gated): Ending {
  if (!('y_TF' in x)) return { into: tape.gradientOf(x) };
  return { into: tape.gradientOf(x.x_T2F), epilogue: { kind: 'swigluBackward', gated: x } };
}

/** The kernels of one text, by what it ends in. */
export interface Endings<B extends string, P extends string> {
  readonly store: Kernel<B | 'c', P>;
  readonly swiglu: Kernel<B | 'x_T2F' | 'y_TF', P>;
  readonly swigluBackward: Kernel<B | 'x_T2F' | 'dx_T2F', P>;
}

/** @param spec of a text without an end, and the buffers that it reads. */
export function endings<B extends string, P extends string>(spec: KernelSpec<B, P>): Endings<B, P> {
  const ended = <E extends string>(name: string, end: string, written: Record<E, Access>) =>
    defineKernel<B | E, P>({
      ...spec,
      name,
      wgsl: `${spec.wgsl}\n${end}`,
      buffers: { ...spec.buffers, ...written } as Record<B | E, Access>,
    });
  const { name } = spec;
  return {
    store: ended(name, storeWgsl, { c: 'read_write' }),
    swiglu: ended(`${name}.swiglu`, forwardWgsl, { x_T2F: 'read_write', y_TF: 'read_write' }),
    swigluBackward: ended(`${name}.swigluBackward`, backwardWgsl, {
      x_T2F: 'read',
      dx_T2F: 'read_write',
    }),
  };
}

/** Dispatches the one that ends as it should. @param dispatch with its kernel and the tensors of its end. */
export function dispatchEnding<B extends string, P extends string>(
  kernels: Endings<B, P>,
  { into, epilogue }: Ending,
  dispatch: (kernel: Kernel, tensors: Readonly<Record<string, Tensor>>) => void,
): void {
  const done = <E extends string>(kernel: Kernel<B | E, P>, tensors: Record<E, Tensor>) =>
    dispatch(kernel as unknown as Kernel, tensors);
  const { tensor } = into;
  if (!epilogue) done(kernels.store, { c: tensor });
  else if (epilogue.kind === 'swiglu')
    done(kernels.swiglu, { x_T2F: tensor, y_TF: epilogue.gated.y_TF });
  else done(kernels.swigluBackward, { x_T2F: epilogue.gated.x_T2F, dx_T2F: tensor });
}

/** The same by a kernel that can only store, and one of SwiGLU's own. @param record the product alone. */
export function recordApart(
  tape: Tape,
  { into, epilogue }: Ending,
  record: (into: GradientTarget) => void,
): void {
  if (!epilogue) {
    record(into);
  } else if (epilogue.kind === 'swiglu') {
    record(into);
    swigluForward(tape, epilogue.gated);
  } else {
    const { x_T2F, y_TF } = epilogue.gated;
    const dy_TF = tape.tensor(y_TF.shape, `d${y_TF.label}`);
    record({ tensor: dy_TF, add: 0 });
    swigluBackward(tape, x_T2F, dy_TF, into);
  }
}
