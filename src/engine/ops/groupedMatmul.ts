/**
 * @file One matrix product for all experts: every row meets the matrix of its own expert. Cost follows the
 * rows, not the number of experts; one dispatch each for the forward pass, the rows' gradient and the weights'.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import { folded, type Grid, type Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import dwWgsl from '@/shaders/groupedMatmul.dw.vec4.wgsl?raw';
import dxWgsl from '@/shaders/groupedMatmul.dx.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/groupedMatmul.forward.vec4.wgsl?raw';
import plainWgsl from '@/shaders/groupedMatmul.wgsl?raw';
import { BLOCK, type Dispatched } from './dispatch';
import { gatherSum } from './gatherSum';
import { mxfp8, mxfp8Rows, type Precision } from './mxfp8';
import { transpose } from './transpose';

const params = { R: 'u32', E: 'u32', F: 'u32', D: 'u32', gather: 'u32', add: 'u32' } as const;
const gathering = {
  segments: 'read',
  source_R: 'read',
  a: 'read',
  b: 'read',
  c: 'read_write',
} as const;
const plain = {
  forward: defineKernel({
    name: 'groupedMatmul',
    wgsl: plainWgsl,
    entryPoint: 'forward',
    buffers: gathering,
    params,
  }),
  dx: defineKernel({
    name: 'groupedMatmul',
    wgsl: plainWgsl,
    entryPoint: 'dx',
    buffers: gathering,
    params,
  }),
  dw: defineKernel({
    name: 'groupedMatmul',
    wgsl: plainWgsl,
    entryPoint: 'dw',
    buffers: gathering,
    params,
  }),
};
const vec4 = {
  forward: defineKernel({
    name: 'groupedMatmul.forward.vec4',
    wgsl: forwardWgsl,
    entryPoint: 'main',
    buffers: gathering,
    params,
  }),
  dx: defineKernel({
    name: 'groupedMatmul.dx.vec4',
    wgsl: dxWgsl,
    entryPoint: 'main',
    buffers: gathering,
    params,
  }),
  dw: defineKernel({
    name: 'groupedMatmul.dw.vec4',
    wgsl: dwWgsl,
    entryPoint: 'main',
    buffers: gathering,
    params,
  }),
};
const PLAIN_SIDE = 8;
const VEC4_SIDE = 32;
/** What a thread of the backward kernels computes: the same bits whatever the size. */
const SMALL = { ROWS: 4, QUADS: 1 } as const;
const LARGE = { ROWS: 8, QUADS: 2 } as const;
/** Weights with a shorter side than this would leave most of a large tile's workgroup idle. */
const LARGE_FROM = 32;
/** Rows of an expert, on average, for which a transposed copy of its weights is worth making. */
const TRANSPOSE_FROM = 64;

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
  /** Never take the faster kernels: for comparing the two. */
  readonly isPlain?: boolean;
}

/**
 * y[r] = w[e(r)] x[r]: y [R, F] in sorted order, w [E, F, D]. With `precision` mxfp8 each of the three products,
 * forward and backward, rounds its own two inputs along the axis that it sums over; gradients pass the rounding as
 * they are.
 */
export function groupedLinear(
  tape: Tape,
  x: ExpertRows,
  w_EFD: Tensor,
  dispatched: Dispatched,
  { precision = 'f32', isPlain = false }: GroupedLinear = {},
): Tensor {
  const { expertCount: E, rowCount: R, segments, source_R } = dispatched;
  const [, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  expectShape('groupedLinear w_EFD', w_EFD, [E, F, D]);
  expectShape('groupedLinear x', x.gradientOwner, [R, D]);
  const y_RF = tape.tensor([R, F], `${w_EFD.label}(x)`);
  const values = { R, E, F, D };
  const cost = R * F * D;
  const read = operands(tape, x, w_EFD, dispatched, precision);
  const both = isPlain || D % 4 !== 0 || F % 4 !== 0 ? plain : vec4;
  const tile = Math.min(D, F) >= LARGE_FROM ? LARGE : SMALL;
  const given = { ...read.forward(), gather: read.gather };
  if (both === vec4 && tile === LARGE && R >= TRANSPOSE_FROM * E) {
    forwardTransposed(tape, given, w_EFD, dispatched, y_RF);
  } else forward(tape, given, w_EFD, dispatched, y_RF, !isPlain && D % 4 === 0 ? vec4 : plain);
  tape.onBackward(() => {
    const dy_RF = tape.upstream(y_RF);
    const dx = tape.gradientOf(x.gradientOwner);
    const overrides = both === vec4 ? tile : {};
    const isFast = both === vec4;
    const dxGrid = rowGrid(isFast ? D / tile.QUADS : D, R, E, isFast);
    const dxParams = { ...values, gather: 0, add: dx.add };
    const dxTensors = { segments, source_R, ...read.dx(dy_RF), c: dx.tensor };
    tape.dispatch(both.dx, dxTensors, dxParams, dxGrid, { cost, overrides });
    const dw = tape.gradientOf(w_EFD);
    const [wide, tall] = isFast
      ? [VEC4_SIDE * tile.QUADS, 8 * tile.ROWS]
      : [PLAIN_SIDE, PLAIN_SIDE];
    const dwGrid = [Math.ceil(D / wide), Math.ceil(F / tall), E] as const;
    const { gather, ...inputs } = read.dw(dy_RF);
    const dwTensors = { segments, source_R, ...inputs, c: dw.tensor };
    const dwParams = { ...values, gather, add: dw.add };
    tape.dispatch(both.dw, dwTensors, dwParams, dwGrid, { cost, overrides });
  });
  return y_RF;
}

/** Inputs of the forward product, and whether its rows are gathered from tokens. */
interface Given {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly gather: number;
}

function forward(
  tape: Tape,
  { gather, ...read }: Given,
  w_EFD: Tensor,
  { rowCount: R, segments, source_R }: Dispatched,
  y_RF: Tensor,
  kernels: typeof plain | typeof vec4,
): void {
  const [E, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  const tensors = { segments, source_R, ...read, c: y_RF };
  const grid = rowGrid(F, R, E, kernels === vec4);
  const cost = R * F * D;
  tape.dispatch(kernels.forward, tensors, { R, E, F, D, gather, add: 0 }, grid, { cost });
}

/** The same by a transposed copy of the weights: then it has the form of the gradient of the rows, F and D changed. */
function forwardTransposed(
  tape: Tape,
  { a, b, gather }: Given,
  w_EFD: Tensor,
  { rowCount: R, segments, source_R }: Dispatched,
  y_RF: Tensor,
): void {
  const [E, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  const w_EDF = transpose(tape, b, { batch: E, N: F, K: D });
  const tensors = { segments, source_R, a, b: w_EDF, c: y_RF };
  const params = { R, E, F: D, D: F, gather, add: 0 };
  const cost = R * F * D;
  const grid = rowGrid(F / LARGE.QUADS, R, E, true);
  tape.dispatch(vec4.dx, tensors, params, grid, { cost, overrides: LARGE });
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
      gather,
      forward: () => ({ a: x.values, b: w_EFD }),
      dx: (dy_RF: Tensor) => ({ a: dy_RF, b: w_EFD }),
      dw: (dy_RF: Tensor) => ({ a: dy_RF, b: x.values, gather }),
    };
  }
  return {
    gather,
    forward: () => ({
      a: mxfp8(tape, x.values, { outer: x.values.length / D, length: D, inner: 1 }),
      b: mxfp8(tape, w_EFD, { outer: E * F, length: D, inner: 1 }),
    }),
    dx: (dy_RF: Tensor) => ({
      a: mxfp8(tape, dy_RF, { outer: R, length: F, inner: 1 }),
      b: mxfp8(tape, w_EFD, { outer: E, length: F, inner: D }),
    }),
    // Blocks follow the sorted rows, so the rows of tokens are copied out here, each choice its own.
    dw: (dy_RF: Tensor) => ({
      a: mxfp8Rows(tape, dy_RF, dispatched, false),
      b: mxfp8Rows(tape, x.values, dispatched, x.isGathered),
      gather: 0,
    }),
  };
}

/** Every expert may end in a block that is not full: at most ceil(R / BLOCK) + E blocks. */
function rowGrid(columns: number, R: number, E: number, isBlocked: boolean): Grid {
  const side = isBlocked ? VEC4_SIDE : PLAIN_SIDE;
  const [y, z] = folded(isBlocked ? Math.ceil(R / BLOCK) + E : Math.ceil(R / PLAIN_SIDE));
  return [Math.ceil(columns / side), y, z];
}
