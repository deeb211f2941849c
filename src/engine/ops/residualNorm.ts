/**
 * @file The end of one half of a block and the start of the next, in one pass over the tokens: the half joins the
 * residual stream, with a norm of its own (Trinity, eq. 33) or without, and the stream is normed for what reads it next.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardRowsWgsl from '@/shaders/residualNorm.backward.rows.wgsl?raw';
import backwardWgsl from '@/shaders/residualNorm.backward.wgsl?raw';
import forwardRowsWgsl from '@/shaders/residualNorm.forward.rows.wgsl?raw';
import forwardWgsl from '@/shaders/residualNorm.forward.wgsl?raw';
import gainsWgsl from '@/shaders/residualNorm.gains.wgsl?raw';
import { gainSums } from './columnSum';
import { isNarrow } from './rmsNorm';

const forwardBuffers = {
  residual_TD: 'read',
  part_TD: 'read',
  inner_D: 'read',
  x_TD: 'read_write',
  u_TD: 'read_write',
  rstd_T2: 'read_write',
} as const;
const backwardBuffers = {
  x_TD: 'read',
  inner_D: 'read',
  rstd_T2: 'read',
  du_TD: 'read',
  dx_TD: 'read_write',
} as const;
const outer = { part_TD: 'read', outer_D: 'read', dpart_TD: 'read_write' } as const;

/** A workgroup for every token, or a thread. */
function family(suffix: '' | '.rows', forwardText: string, backwardText: string) {
  const forward = {
    name: `residualNorm.forward${suffix}`,
    wgsl: forwardText,
    params: { T: 'u32', D: 'u32', eps: 'f32' },
  } as const;
  const backward = {
    name: `residualNorm.backward${suffix}`,
    wgsl: backwardText,
    params: { T: 'u32', D: 'u32', addX: 'u32', addPart: 'u32' },
  } as const;
  const sandwich = { ...forwardBuffers, outer_D: 'read' } as const;
  return {
    forward: defineKernel({ ...forward, entryPoint: 'plain', buffers: forwardBuffers }),
    sandwich: defineKernel({ ...forward, entryPoint: 'sandwich', buffers: sandwich }),
    backward: defineKernel({ ...backward, entryPoint: 'plain', buffers: backwardBuffers }),
    sandwichBackward: defineKernel({
      ...backward,
      entryPoint: 'sandwich',
      buffers: { ...backwardBuffers, ...outer },
    }),
  };
}
const wide = family('', forwardWgsl, backwardWgsl);
const rows = family('.rows', forwardRowsWgsl, backwardRowsWgsl);
const gains = defineKernel({
  name: 'residualNorm.gains',
  wgsl: gainsWgsl,
  entryPoint: 'main',
  buffers: {
    part_TD: 'read',
    x_TD: 'read',
    rstd_T2: 'read',
    du_TD: 'read',
    dx_TD: 'read',
    sums_PN: 'read_write',
  },
  params: { T: 'u32', D: 'u32', P: 'u32', N: 'u32', inner: 'u32', outer: 'u32' },
});

export interface ResidualNorm {
  /** [T, D] the stream before. */
  readonly residual_TD: Tensor;
  /** [T, D] what the half of a block made. */
  readonly part_TD: Tensor;
  /** Gain [D] of the norm behind the half; undefined: it joins as it is. */
  readonly outer_D: Tensor | undefined;
  /** Gain [D] of the norm of the stream. */
  readonly inner_D: Tensor;
  readonly eps: number;
  /** Never take the kernels for narrow rows: for comparing the two. */
  readonly isPlain?: boolean;
}

/**
 * x = residual + part, or residual + norm(part) * outer; u = norm(x) * inner. Both [T, D]; u is stored as the part is.
 *
 * The gradient of x goes on to the residual, and without an outer norm to the part, in the same bytes: everything on
 * the way from the residual to the part must have used it before more is added to the residual's. True for a block.
 */
export function residualNorm(tape: Tape, options: ResidualNorm): { x_TD: Tensor; u_TD: Tensor } {
  const { residual_TD, part_TD, outer_D, inner_D, eps, isPlain = false } = options;
  const [T, D] = expectShape('residualNorm residual_TD', residual_TD, 2);
  expectShape('residualNorm part_TD', part_TD, [T, D]);
  expectShape('residualNorm inner_D', inner_D, [D]);
  if (outer_D) expectShape('residualNorm outer_D', outer_D, [D]);
  const x_TD = tape.tensor([T, D], 'residual');
  const u_TD = tape.tensor([T, D], `norm(${inner_D.label})`, part_TD.type);
  const rstd_T2 = tape.tensor([T, 2], 'residual rstd');
  const isByRow = isNarrow(D) && !isPlain;
  const kernels = isByRow ? rows : wide;
  const groups = isByRow ? Math.ceil(T / kernels.forward.threads) : T;
  const tensors = { residual_TD, part_TD, inner_D, x_TD, u_TD, rstd_T2 };
  const cost = 8 * T * D;
  if (outer_D)
    tape.dispatch(kernels.sandwich, { ...tensors, outer_D }, { T, D, eps }, groups, { cost });
  else tape.dispatch(kernels.forward, tensors, { T, D, eps }, groups, { cost });

  tape.onBackward(() => {
    const du_TD = tape.upstream(u_TD);
    const dx = tape.gradientOf(x_TD);
    const read = { x_TD, inner_D, rstd_T2, du_TD, dx_TD: dx.tensor };
    if (outer_D) {
      const dpart = tape.gradientOf(part_TD);
      const values = { T, D, addX: dx.add, addPart: dpart.add };
      const all = { ...read, part_TD, outer_D, dpart_TD: dpart.tensor };
      tape.dispatch(kernels.sandwichBackward, all, values, groups, { cost: 2 * cost });
      gainGradients(tape, { part_TD, x_TD, rstd_T2, du_TD, dx_TD: dx.tensor }, inner_D, outer_D);
    } else {
      const values = { T, D, addX: dx.add, addPart: 0 };
      tape.dispatch(kernels.backward, read, values, groups, { cost });
      gainGradients(tape, { part_TD: x_TD, x_TD, rstd_T2, du_TD, dx_TD: du_TD }, inner_D);
      tape.shareGradient(part_TD, x_TD);
    }
    tape.shareGradient(residual_TD, x_TD);
  });
  return { x_TD, u_TD };
}

type GainInputs = Readonly<Record<'part_TD' | 'x_TD' | 'rstd_T2' | 'du_TD' | 'dx_TD', Tensor>>;

/** Without an outer gain nothing reads part_TD and dx_TD. */
function gainGradients(tape: Tape, given: GainInputs, inner_D: Tensor, outer_D?: Tensor): void {
  const [T, D] = expectShape('residualNorm x_TD', given.x_TD, 2);
  const both = outer_D ? [inner_D, outer_D] : [inner_D];
  const { sums_PN, columns, finish } = gainSums(tape, both, T);
  const [P, N] = expectShape('residualNorm sums_PN', sums_PN, 2);
  const [inner, outer = 0] = columns as [number, number?];
  const grid = [Math.ceil(D / gains.threads), P, both.length] as const;
  const cost = 2 * both.length * T * D;
  tape.dispatch(gains, { ...given, sums_PN }, { T, D, P, N, inner, outer }, grid, { cost });
  finish();
}
