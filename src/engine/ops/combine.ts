/** @file Weighs the experts' outputs and adds them to their tokens. Trinity, eq. 15. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/combine.backward.wgsl?raw';
import forwardWgsl from '@/shaders/combine.forward.wgsl?raw';
import type { Dispatched } from './dispatch';

const forward = defineKernel({
  name: 'combine.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: {
    x_RD: 'read',
    gates_TK: 'read',
    sorted_R: 'read',
    shared_TD: 'read',
    y_TD: 'read_write',
  },
  params: { T: 'u32', D: 'u32', K: 'u32', hasShared: 'u32' },
});
const backward = defineKernel({
  name: 'combine.backward',
  wgsl: backwardWgsl,
  entryPoint: 'main',
  buffers: {
    x_RD: 'read',
    gates_R: 'read',
    sorted_R: 'read',
    dy_TD: 'read',
    dx_RD: 'read_write',
    dgates_R: 'read_write',
  },
  params: { R: 'u32', D: 'u32', K: 'u32' },
});

/**
 * y[t] = shared[t] + sum over k of gates[t, k] x[sorted place of (t, k)].
 * @param x_RD experts' outputs in sorted order.
 * @param shared_TD output of the shared expert, where there is one.
 */
export function combine(
  tape: Tape,
  x_RD: Tensor,
  gates_TK: Tensor,
  dispatched: Dispatched,
  shared_TD: Tensor | undefined,
): Tensor {
  const [T, K] = expectShape('combine gates_TK', gates_TK, 2);
  const { rowCount: R, sorted_R } = dispatched;
  const [, D] = expectShape('combine x_RD', x_RD, 2);
  expectShape('combine x_RD', x_RD, [R, D]);
  if (shared_TD) expectShape('combine shared_TD', shared_TD, [T, D]);
  const y_TD = tape.tensor([T, D], 'mixture', x_RD.type);
  const groups = Math.ceil((T * D) / forward.threads);
  tape.dispatch(
    forward,
    { x_RD, gates_TK, sorted_R, shared_TD: shared_TD ?? x_RD, y_TD },
    { T, D, K, hasShared: Number(shared_TD !== undefined) },
    groups,
    { cost: R * D },
  );
  tape.onBackward(() => {
    const dy_TD = tape.upstream(y_TD);
    const { tensor: dx_RD } = tape.gradientOf(x_RD);
    const dgates_R = tape.gradientOf(gates_TK).tensor.view([R]);
    const tensors = { x_RD, gates_R: gates_TK.view([R]), sorted_R, dy_TD, dx_RD, dgates_R };
    tape.dispatch(backward, tensors, { R, D, K }, Math.ceil(R / backward.threads), {
      cost: 2 * R * D,
    });
    if (shared_TD) tape.shareGradient(shared_TD, y_TD);
  });
  return y_TD;
}
