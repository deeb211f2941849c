/** @file Copies a tensor into one that is stored in another element type, float32 or 16 bits. */

import { expectShape } from '@/engine/gpu/shape';
import { converter } from '@/engine/gpu/storage';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';

/** y = x, rounded to nearest where y is stored in fewer bits. */
export function convert(tape: Tape, x: Tensor, y: Tensor): void {
  expectShape('convert y', y, x.shape);
  const N4 = Math.ceil(x.length / 4);
  const groups = Math.ceil(N4 / converter.threads);
  tape.dispatch(converter, { x_N: x, y_N: y }, { N4 }, groups, { cost: x.length });
}
