/** @file Counts what is not finite in a tensor: which one went wrong first, once a run has stopped. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/notFinite.wgsl?raw';

const params = { N: 'u32', P: 'u32' } as const;
const count = defineKernel({
  name: 'notFinite',
  wgsl,
  entryPoint: 'count',
  buffers: { x: 'read', partial: 'read_write' },
  params,
});
const total = defineKernel({
  name: 'notFinite',
  wgsl,
  entryPoint: 'total',
  buffers: { partial: 'read_write', flag: 'read_write' },
  params,
});

/** Elements that one thread looks at before a second workgroup is worth starting. */
const ELEMENTS_PER_THREAD = 4;
const MAX_PARTIALS = 256;

/** Writes to `flag` (u32, [1]) how many elements of the flat `x` are infinite or NaN. */
export function notFinite(tape: Tape, x: Tensor, flag: Tensor): void {
  const [N] = expectShape('notFinite x', x, 1);
  expectShape('notFinite flag', flag, [1]);
  const P = Math.min(MAX_PARTIALS, Math.ceil(N / (ELEMENTS_PER_THREAD * count.threads)));
  const partial = tape.tensor([P], 'notFinite partials', 'u32');
  tape.dispatch(count, { x, partial }, { N, P }, [P, 1, 1], { cost: N });
  tape.dispatch(total, { partial, flag }, { N, P }, 1);
}
