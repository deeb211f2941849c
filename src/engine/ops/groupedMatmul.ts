/**
 * @file One matrix product for all experts: every row meets the matrix of its own expert. Cost follows the
 * rows, not the number of experts; one dispatch each for the forward pass, the rows' gradient and the weights'.
 */

import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
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
import { type Ending, gradientEnding } from './matmul.epilogue';
import { mxfp8, mxfp8Rows, type Precision } from './mxfp8';
import { type Gated, gatedTensors } from './swiglu';

/**
 * The rows that experts read: either sorted rows of their own, [R, D], or tokens, [T, D], of which every
 * choice reads one. Tokens are never copied; only their gradient takes R rows before it is summed.
 */
export interface ExpertRows {
  readonly values: Tensor;
  readonly isGathered: boolean;
  /** [R, D]: where the gradient of the rows goes; or what SwiGLU made of them, through which it then goes at once. */
  readonly gradientOwner: Tensor | Gated;
}

/** Experts' own rows, [R, D] in sorted order. */
export const sortedRows = (x: Tensor | Gated): ExpertRows => ({
  values: 'y_TF' in x ? x.y_TF : x,
  isGathered: false,
  gradientOwner: x,
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
  options: GroupedLinear = {},
): Tensor {
  const [, F] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  const y_RF = tape.tensor([dispatched.rowCount, F], `${w_EFD.label}(x)`, w_EFD.type);
  recordLayer(tape, x, w_EFD, dispatched, options, { into: { tensor: y_RF, add: 0 } });
  return y_RF;
}

/**
 * SwiGLU behind it: w [E, 2 F, D] holds of each expert the matrix of gate, then that of up. The rows [R, F] that are returned
 * go into `groupedLinear` and nowhere else.
 */
export function groupedSwiglu(
  tape: Tape,
  x: ExpertRows,
  w_E2FD: Tensor,
  dispatched: Dispatched,
  options: GroupedLinear = {},
): ExpertRows {
  const [E, both, D] = expectShape('groupedSwiglu w_E2FD', w_E2FD, 3);
  expectShape('groupedSwiglu w_E2FD', w_E2FD, [E, 2 * Math.floor(both / 2), D]);
  const gated = gatedTensors(tape, dispatched.rowCount, both / 2, w_E2FD);
  const into = { tensor: gated.x_T2F, add: 0 } as const;
  const epilogue = { kind: 'swiglu', gated } as const;
  recordLayer(tape, x, w_E2FD, dispatched, options, { into, epilogue });
  return sortedRows(gated);
}

/** The product of a layer now, and the two of its way back. */
function recordLayer(
  tape: Tape,
  x: ExpertRows,
  w_EFD: Tensor,
  dispatched: Dispatched,
  { precision = 'f32', variant }: GroupedLinear,
  ending: Ending,
): void {
  const { expertCount: E, rowCount: R } = dispatched;
  const [, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  expectShape('groupedLinear w_EFD', w_EFD, [E, F, D]);
  const owner = x.gradientOwner;
  expectShape('groupedLinear x', 'y_TF' in owner ? owner.y_TF : owner, [R, D]);
  const read = operands(tape, x, w_EFD, dispatched, precision);
  const product = (part: GroupedPart, inputs: Inputs, end: Ending): void => {
    const sizes = { part, R, E, F, D };
    const name = chosen(tape, sizes, variant);
    groupedVariants[name].record(tape, { ...sizes, ...inputs, ...end, dispatched });
  };
  product('forward', read.forward(), ending);
  tape.onBackward(() => {
    const dy_RF = tape.upstream(ending.into.tensor);
    tape.together(() => {
      product('dw', read.dw(dy_RF), { into: tape.gradientOf(w_EFD) });
      product('dx', read.dx(dy_RF), gradientEnding(tape, owner));
    });
  });
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
