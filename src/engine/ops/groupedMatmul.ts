/**
 * @file One matrix product for all experts: every row meets the matrix of its own expert. Cost follows the
 * rows, not the number of experts; one dispatch each for the forward pass, the rows' gradient and the weights'.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import { folded, type GradientTarget, type Grid, type Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import dwWgsl from '@/shaders/groupedMatmul.dw.vec4.wgsl?raw';
import dxWgsl from '@/shaders/groupedMatmul.dx.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/groupedMatmul.forward.vec4.wgsl?raw';
import plainWgsl from '@/shaders/groupedMatmul.wgsl?raw';
import { BLOCK, type Dispatched } from './dispatch';
import { gatherSum } from './gatherSum';

const params = { R: 'u32', E: 'u32', F: 'u32', D: 'u32', gather: 'u32', add: 'u32' } as const;
const gathering = {
  segments: 'read',
  source_R: 'read',
  a: 'read',
  b: 'read',
  c: 'read_write',
} as const;
const sorted = { segments: 'read', a: 'read', b: 'read', c: 'read_write' } as const;
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
    buffers: sorted,
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
    buffers: sorted,
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

/** y[r] = w[e(r)] x[r]: y [R, F] in sorted order, w [E, F, D]. `isPlain` never takes the faster kernels. */
export function groupedLinear(
  tape: Tape,
  x: ExpertRows,
  w_EFD: Tensor,
  dispatched: Dispatched,
  isPlain = false,
): Tensor {
  const { expertCount: E, rowCount: R, expertsPerToken, segments, source_R } = dispatched;
  const [, F, D] = expectShape('groupedLinear w_EFD', w_EFD, 3);
  expectShape('groupedLinear w_EFD', w_EFD, [E, F, D]);
  expectShape('groupedLinear x', x.gradientOwner, [R, D]);
  const y_RF = tape.tensor([R, F], `${w_EFD.label}(x)`);
  const values = { R, E, F, D, gather: x.isGathered ? expertsPerToken : 0 };
  const cost = R * F * D;
  const forward = !isPlain && D % 4 === 0 ? vec4.forward : plain.forward;
  const both = isPlain || D % 4 !== 0 || F % 4 !== 0 ? plain : vec4;
  tape.dispatch(
    forward,
    { segments, source_R, a: x.values, b: w_EFD, c: y_RF },
    { ...values, add: 0 },
    rowGrid(F, R, E, forward !== plain.forward),
    { cost },
  );
  tape.onBackward(() => {
    const dy_RF = tape.upstream(y_RF);
    const dx: GradientTarget = tape.gradientOf(x.gradientOwner);
    const dw: GradientTarget = tape.gradientOf(w_EFD);
    const dxTensors = { segments, a: dy_RF, b: w_EFD, c: dx.tensor };
    tape.dispatch(both.dx, dxTensors, { ...values, add: dx.add }, rowGrid(D, R, E, both === vec4), {
      cost,
    });
    const side = both === vec4 ? VEC4_SIDE : PLAIN_SIDE;
    const grid = [Math.ceil(D / side), Math.ceil(F / side), E] as const;
    const dwTensors = { segments, source_R, a: dy_RF, b: x.values, c: dw.tensor };
    tape.dispatch(both.dw, dwTensors, { ...values, add: dw.add }, grid, { cost });
  });
  return y_RF;
}

/** Every expert may end in a block that is not full: at most ceil(R / BLOCK) + E blocks. */
function rowGrid(columns: number, R: number, E: number, isBlocked: boolean): Grid {
  const side = isBlocked ? VEC4_SIDE : PLAIN_SIDE;
  const [y, z] = folded(isBlocked ? Math.ceil(R / BLOCK) + E : Math.ceil(R / PLAIN_SIDE));
  return [Math.ceil(columns / side), y, z];
}
