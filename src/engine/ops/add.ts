/** @file Adds what one half of a block made to the residual stream. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/add.wgsl?raw';

const kernel = defineKernel({
  name: 'add',
  wgsl,
  entryPoint: 'main',
  buffers: { a: 'read', b: 'read', y: 'read_write' },
  params: { N4: 'u32' },
});

/**
 * residual + x, both [T, D]. The gradient of the sum goes on to both in the same bytes, so everything on the way
 * from the residual to `x` must have used it before more is added to the residual's: true for a block's half.
 */
export function add(tape: Tape, residual_TD: Tensor, x_TD: Tensor): Tensor {
  const [T, D] = expectShape('add residual_TD', residual_TD, 2);
  expectShape('add x_TD', x_TD, [T, D]);
  const y_TD = tape.tensor([T, D], 'residual');
  const N4 = Math.ceil((T * D) / 4);
  tape.dispatch(
    kernel,
    { a: residual_TD, b: x_TD, y: y_TD },
    { N4 },
    Math.ceil(N4 / kernel.threads),
    {
      cost: T * D,
    },
  );
  tape.onBackward(() => {
    tape.shareGradient(x_TD, y_TD);
    tape.shareGradient(residual_TD, y_TD);
  });
  return y_TD;
}
