/** @file Elementwise sigmoid gate on the attention output. Trinity, eq. 11–14. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/sigmoidGate.wgsl?raw';

const params = { N4: 'u32', addX: 'u32', addGate: 'u32' } as const;
const forward = defineKernel({
  name: 'sigmoidGate',
  wgsl,
  entryPoint: 'forward',
  buffers: { x_N: 'read', gate_N: 'read', y_N: 'read_write' },
  params,
});
const backward = defineKernel({
  name: 'sigmoidGate',
  wgsl,
  entryPoint: 'backward',
  buffers: {
    x_N: 'read',
    gate_N: 'read',
    dy_N: 'read',
    dx_N: 'read_write',
    dgate_N: 'read_write',
  },
  params,
});

/** y = x * sigmoid(gate), elementwise; x and gate of one shape. */
export function sigmoidGate(tape: Tape, x_N: Tensor, gate_N: Tensor): Tensor {
  expectShape('sigmoidGate gate_N', gate_N, x_N.shape);
  const y_N = tape.tensor(x_N.shape, 'sigmoidGate', x_N.type);
  const N4 = Math.ceil(x_N.length / 4);
  const groups = Math.ceil(N4 / forward.threads);
  tape.dispatch(forward, { x_N, gate_N, y_N }, { N4, addX: 0, addGate: 0 }, groups, {
    cost: 40 * N4,
  });
  tape.onBackward(() => {
    const dx = tape.gradientOf(x_N);
    const dgate = tape.gradientOf(gate_N);
    tape.dispatch(
      backward,
      { x_N, gate_N, dy_N: tape.upstream(y_N), dx_N: dx.tensor, dgate_N: dgate.tensor },
      { N4, addX: dx.add, addGate: dgate.add },
      groups,
      { cost: 60 * N4 },
    );
  });
  return y_N;
}
