/**
 * @file What MXFP8 hardware would read of a float32 tensor: E4M3 in blocks of 32 with a common power of two, OCP
 * Microscaling Formats (MX) v1.0. A rounded copy in float32, for the inputs of a product; it has no gradient of its own.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/mxfp8.wgsl?raw';
import { type Dispatched, BLOCK as ROW_BLOCK } from './dispatch';

/** What the inputs of a product are rounded to, both of them, before it is taken. */
export type Precision = 'f32' | 'mxfp8';

const params = { outer: 'u32', length: 'u32', inner: 'u32', gather: 'u32' } as const;
const axisKernel = defineKernel({
  name: 'mxfp8',
  wgsl,
  entryPoint: 'axis',
  buffers: { x: 'read', y: 'read_write' },
  params,
});
const rowsKernel = defineKernel({
  name: 'mxfp8',
  wgsl,
  entryPoint: 'rows',
  buffers: { x: 'read', segments: 'read', source_R: 'read', y: 'read_write' },
  params,
});

/** Elements with a common scale; `mxfp8.wgsl` has it too. */
const BLOCK = 32;
/** Each element is read twice and rounded with some twenty integer operations. */
const ELEMENT_COST = 24;

/** A tensor seen as [outer, length, inner]: `length` is the axis that the product sums over. */
export interface Axis {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** x rounded in blocks along one axis; a line's last block may be shorter. @throws {RangeError} where x has other elements. */
export function mxfp8(tape: Tape, x: Tensor, { outer, length, inner }: Axis): Tensor {
  expectShape('mxfp8 x', x.view([x.length]), [outer * length * inner]);
  const y = tape.tensor(x.shape, `mxfp8(${x.label})`);
  const blocks = outer * Math.ceil(length / BLOCK) * inner;
  const groups = Math.ceil(blocks / axisKernel.threads);
  tape.dispatch(axisKernel, { x, y }, { outer, length, inner, gather: 0 }, groups, {
    cost: ELEMENT_COST * x.length,
  });
  return y;
}

/**
 * Experts' rows rounded in blocks of 32 rows of one expert, counted from its first: what a weights' gradient sums over.
 * @param x [R, D] in sorted order, or [T, D] tokens, of which each choice reads one where `isGathered`.
 * @returns [R, D] in sorted order.
 */
export function mxfp8Rows(
  tape: Tape,
  x: Tensor,
  { expertCount, expertsPerToken, rowCount: R, segments, source_R }: Dispatched,
  isGathered: boolean,
): Tensor {
  const [, D] = expectShape('mxfp8Rows x', x, 2);
  expectShape('mxfp8Rows x', x, [isGathered ? R / expertsPerToken : R, D]);
  const y = tape.tensor([R, D], `mxfp8(${x.label})`);
  const blocks = (Math.ceil(R / ROW_BLOCK) + expertCount) * D;
  const gather = isGathered ? expertsPerToken : 0;
  const values = { outer: expertCount, length: R, inner: D, gather };
  const groups = Math.ceil(blocks / rowsKernel.threads);
  tape.dispatch(rowsKernel, { x, segments, source_R, y }, values, groups, {
    cost: ELEMENT_COST * y.length,
  });
  return y;
}
