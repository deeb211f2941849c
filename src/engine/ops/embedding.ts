/** @file Looks token ids up in a table: y[t] = scale * table[tokens[t]]. Trinity, eq. 39. */
import backwardWgsl from '@/shaders/embedding.backward.wgsl?raw';
import forwardWgsl from '@/shaders/embedding.forward.wgsl?raw';
import { defineKernel } from '../gpu/kernel';
import { expectShape } from '../gpu/shape';
import { folded, type Tape } from '../gpu/tape';
import type { Tensor } from '../gpu/tensor';

const forward = defineKernel({
  name: 'embedding.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: { tokens_T: 'read', table_VD: 'read', y_TD: 'read_write' },
  params: { T: 'u32', D: 'u32', scale: 'f32' },
});
const backward = defineKernel({
  name: 'embedding.backward',
  wgsl: backwardWgsl,
  entryPoint: 'main',
  buffers: { tokens_T: 'read', dy_TD: 'read', dtable_VD: 'read_write' },
  params: { T: 'u32', D: 'u32', V: 'u32', scale: 'f32' },
});

/** y [T, D] from ids [T] (u32, each below V) and a table [V, D], whose gradient must outlive the step. */
export function embedding(tape: Tape, tokens_T: Tensor, table_VD: Tensor, scale: number): Tensor {
  const [T] = expectShape('embedding tokens_T', tokens_T, 1);
  const [V, D] = expectShape('embedding table_VD', table_VD, 2);
  const y_TD = tape.tensor([T, D], 'embedding');
  const groups = Math.ceil((T * D) / forward.threads);
  tape.dispatch(forward, { tokens_T, table_VD, y_TD }, { T, D, scale }, groups);
  tape.onBackward(() => {
    const tensors = {
      tokens_T,
      dy_TD: tape.upstream(y_TD),
      dtable_VD: tape.gradientOf(table_VD).tensor,
    };
    const [rows, layers] = folded(V);
    const grid = [Math.ceil(D / backward.threads), rows, layers] as const;
    tape.dispatch(backward, tensors, { T, D, V, scale }, grid, { cost: V * T });
  });
  return y_TD;
}
