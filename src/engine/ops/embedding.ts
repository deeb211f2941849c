/** @file Looks token ids up in a table: y[t] = scale * table[tokens[t]]. Trinity, eq. 39. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/embedding.backward.wgsl?raw';
import forwardWgsl from '@/shaders/embedding.forward.wgsl?raw';

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
  buffers: { order_T: 'read', starts: 'read', dy_TD: 'read', dtable_VD: 'read_write' },
  params: { V: 'u32', D: 'u32', scale: 'f32' },
});

/** The tokens of a batch sorted by id, so that the backward pass of a row reads only its own tokens. */
export interface TokenOrder {
  /** u32 [T]: places sorted by token, then by place. */
  readonly order_T: Tensor;
  /** u32 [V + 1]: first entry of `order_T` of each token id, and the end. */
  readonly starts: Tensor;
}

/** Values of a `TokenOrder`: a counting sort. Every token must be below V. */
export function tokenOrder(
  tokens: Uint32Array,
  V: number,
): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(V + 1);
  for (const token of tokens) starts[token + 1]!++;
  for (let v = 0; v < V; v++) starts[v + 1]! += starts[v]!;
  const next = starts.slice();
  const order = new Uint32Array(tokens.length);
  for (const [t, token] of tokens.entries()) order[next[token]!++] = t;
  return { order, starts };
}

/**
 * y [T, D] from ids [T] (u32, each below V) and a table [V, D], whose gradient must outlive the step.
 * @param sorted needed for the backward pass only.
 */
export function embedding(
  tape: Tape,
  tokens_T: Tensor,
  table_VD: Tensor,
  scale: number,
  sorted?: TokenOrder,
): Tensor {
  const [T] = expectShape('embedding tokens_T', tokens_T, 1);
  const [V, D] = expectShape('embedding table_VD', table_VD, 2);
  const y_TD = tape.tensor([T, D], 'embedding');
  const groups = Math.ceil((T * D) / forward.threads);
  tape.dispatch(forward, { tokens_T, table_VD, y_TD }, { T, D, scale }, groups);
  if (sorted) {
    expectShape('embedding order_T', sorted.order_T, [T]);
    expectShape('embedding starts', sorted.starts, [V + 1]);
    tape.onBackward(() => {
      const tensors = {
        ...sorted,
        dy_TD: tape.upstream(y_TD),
        dtable_VD: tape.gradientOf(table_VD).tensor,
      };
      const rowGroups = Math.ceil((V * D) / backward.threads);
      tape.dispatch(backward, tensors, { V, D, scale }, rowGroups, { cost: T * D });
    });
  }
  return y_TD;
}
