/**
 * @file One matrix product for all experts: every row meets the matrix of its own expert. Cost follows the
 * rows, not the number of experts; one dispatch each for the forward pass, the rows' gradient and the weights'.
 */

import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import type { Dispatched } from './dispatch';
import { gatherSum } from './gatherSum';
import {
  fixedGroupedVariant,
  type GroupedPart,
  type GroupedSizes,
  type GroupedVariantName,
  groupedVariants,
} from './groupedMatmul.variants';
import { mxfp8, mxfp8Rows, type Precision } from './mxfp8';

/**
 * The rows that experts read: either sorted rows of their own, [R, D], or tokens, [T, D], of which every
 * choice reads one. Tokens are never copied; only their gradient takes R rows before it is summed.
 */
export interface ExpertRows {
  readonly values: Tensor;
  readonly isGathered: boolean;
  /** [R, D]: where the gradient of the rows goes. */
  readonly gradientOwner: Tensor;
}

/** Experts' own rows, [R, D] in sorted order. */
export const sortedRows = (x_RD: Tensor): ExpertRows => ({
  values: x_RD,
  isGathered: false,
  gradientOwner: x_RD,
});

/** Rows read from tokens [T, D]; on the way back the K gradients of a token are added up. */
export function tokenRows(tape: Tape, x_TD: Tensor, dispatched: Dispatched): ExpertRows {
  const [, D] = expectShape('tokenRows x_TD', x_TD, 2);
  // Never written in the forward pass: it only owns the gradient of the gathered rows.
  const rows_RD = tape.tensor([dispatched.rowCount, D], 'expert rows');
  tape.onBackward(() => gatherSum(tape, tape.upstream(rows_RD), dispatched, tape.gradientOf(x_TD)));
  return { values: x_TD, isGathered: true, gradientOwner: rows_RD };
}

export interface GroupedLinear {
  /** Of both inputs of each product; f32 unless said, which rounds nothing. */
  readonly precision?: Precision;
  /** Of each product that it can do, for comparing them; chosen unless said. */
  readonly variant?: GroupedVariantName;
}

/**
 * y[r] = w[e(r)] x[r]: y [R, F] in sorted order, stored as w [E, F, D] is. With `precision` mxfp8 each of the three products,
 * forward and backward, rounds its own two inputs along the axis that it sums over; gradients pass the rounding as
 * they are.
 */
export function groupedLinear(
  tape: Tape,
  x: ExpertRows,
  w_EFD: Tensor,
  dispatched: Dispatched,
  { precision = 'f32', variant }: GroupedLinear = {},
): Tensor {
  const { expertCount: E, rowCount: R } = dispatched;
  const [, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  expectShape('groupedLinear w_EFD', w_EFD, [E, F, D]);
  expectShape('groupedLinear x', x.gradientOwner, [R, D]);
  const y_RF = tape.tensor([R, F], `${w_EFD.label}(x)`, w_EFD.type);
  const read = operands(tape, x, w_EFD, dispatched, precision);
  const product = (part: GroupedPart, inputs: Inputs, into: GradientTarget): void => {
    const sizes = { part, R, E, F, D };
    const name = chosen(tape, sizes, variant);
    groupedVariants[name].record(tape, { ...sizes, ...inputs, into, dispatched });
  };
  product('forward', read.forward(), { tensor: y_RF, add: 0 });
  tape.onBackward(() => {
    const dy_RF = tape.upstream(y_RF);
    product('dx', read.dx(dy_RF), tape.gradientOf(x.gradientOwner));
    product('dw', read.dw(dy_RF), tape.gradientOf(w_EFD));
  });
  return y_RF;
}

/** Which kernel does a product: what is asked for, else what the tape's tuning says, else a fixed table. */
function chosen(
  { tuning }: Tape,
  sizes: GroupedSizes,
  wanted: GroupedVariantName | undefined,
): GroupedVariantName {
  const { part, R, E, F, D } = sizes;
  const question = { op: 'groupedMatmul', form: part, sides: [E, Math.ceil(R / E), F, D] };
  const name = wanted ?? (tuning(question) as GroupedVariantName | undefined);
  // A class holds shapes that are not whole fours, and a table may come from another version.
  const isUsable = name !== undefined && groupedVariants[name]?.fits(sizes);
  return isUsable ? name : fixedGroupedVariant(sizes);
}

/** What a product reads, and the choices of a token where its rows are read from tokens. */
interface Inputs {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly gather: number;
}

/** The two inputs of each of a grouped layer's three products, rounded along what that product sums over. */
function operands(
  tape: Tape,
  x: ExpertRows,
  w_EFD: Tensor,
  dispatched: Dispatched,
  precision: Precision,
) {
  const [E, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  const R = dispatched.rowCount;
  const gather = x.isGathered ? dispatched.expertsPerToken : 0;
  if (precision === 'f32') {
    return {
      forward: () => ({ a: x.values, b: w_EFD, gather }),
      dx: (dy_RF: Tensor) => ({ a: dy_RF, b: w_EFD, gather: 0 }),
      dw: (dy_RF: Tensor) => ({ a: dy_RF, b: x.values, gather }),
    };
  }
  return {
    forward: () => ({
      a: mxfp8(tape, x.values, { outer: x.values.length / D, length: D, inner: 1 }),
      b: mxfp8(tape, w_EFD, { outer: E * F, length: D, inner: 1 }),
      gather,
    }),
    dx: (dy_RF: Tensor) => ({
      a: mxfp8(tape, dy_RF, { outer: R, length: F, inner: 1 }),
      b: mxfp8(tape, w_EFD, { outer: E, length: F, inner: D }),
      gather: 0,
    }),
    // Blocks follow the sorted rows, so the rows of tokens are copied out here, each choice its own.
    dw: (dy_RF: Tensor) => ({
      a: mxfp8Rows(tape, dy_RF, dispatched, false),
      b: mxfp8Rows(tape, x.values, dispatched, x.isGathered),
      gather: 0,
    }),
  };
}
