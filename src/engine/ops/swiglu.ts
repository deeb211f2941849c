/** @file SwiGLU without its matrices, arXiv:2002.05202, eq. 6. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/swiglu.wgsl?raw';

const params = { N4: 'u32', addUp: 'u32', addGate: 'u32' } as const;
const forward = defineKernel({
  name: 'swiglu',
  wgsl,
  entryPoint: 'forward',
  buffers: { up_N: 'read', gate_N: 'read', y_N: 'read_write' },
  params,
});
const backward = defineKernel({
  name: 'swiglu',
  wgsl,
  entryPoint: 'backward',
  buffers: {
    up_N: 'read',
    gate_N: 'read',
    dy_N: 'read',
    dup_N: 'read_write',
    dgate_N: 'read_write',
  },
  params,
});

/** y = silu(gate) * up, elementwise; gate and up of one shape. */
export function swiglu(tape: Tape, gate_N: Tensor, up_N: Tensor): Tensor {
  expectShape('swiglu up_N', up_N, gate_N.shape);
  const y_N = tape.tensor(up_N.shape, 'swiglu');
  const N4 = Math.ceil(up_N.length / 4);
  const groups = Math.ceil(N4 / forward.threads);
  tape.dispatch(forward, { up_N, gate_N, y_N }, { N4, addUp: 0, addGate: 0 }, groups, {
    cost: 40 * N4,
  });
  tape.onBackward(() => {
    const dup = tape.gradientOf(up_N);
    const dgate = tape.gradientOf(gate_N);
    tape.dispatch(
      backward,
      { up_N, gate_N, dy_N: tape.upstream(y_N), dup_N: dup.tensor, dgate_N: dgate.tensor },
      { N4, addUp: dup.add, addGate: dgate.add },
      groups,
      { cost: 60 * N4 },
    );
  });
  return y_N;
}
