/**
 * @file RMSNorm over the last axis: arXiv:1910.07467, eq. 4, with an eps under the root.
 *
 * Letters as in docs/shapes.md: T rows (tokens, or tokens times heads), D channels.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/rmsNorm.backward.wgsl?raw';
import forwardWgsl from '@/shaders/rmsNorm.forward.wgsl?raw';
import rowsWgsl from '@/shaders/rmsNorm.rows.wgsl?raw';
import { gainSums } from './columnSum';

const forwardParams = { T: 'u32', D: 'u32', eps: 'f32' } as const;
const forward = defineKernel({
  name: 'rmsNorm.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: { x_TD: 'read', gain_D: 'read', y_TD: 'read_write', rstd_T: 'read_write' },
  params: forwardParams,
});
const backwardParams = {
  T: 'u32',
  D: 'u32',
  P: 'u32',
  N: 'u32',
  column: 'u32',
  add: 'u32',
} as const;
const backwardX = defineKernel({
  name: 'rmsNorm.backward',
  wgsl: backwardWgsl,
  entryPoint: 'dx',
  buffers: { x_TD: 'read', gain_D: 'read', rstd_T: 'read', dy_TD: 'read', dx_TD: 'read_write' },
  params: backwardParams,
});
const backwardGain = defineKernel({
  name: 'rmsNorm.backward',
  wgsl: backwardWgsl,
  entryPoint: 'gainChunks',
  buffers: { x_TD: 'read', rstd_T: 'read', dy_TD: 'read', sums_PN: 'read_write' },
  params: backwardParams,
});

const rowsSpec = {
  name: 'rmsNorm.rows',
  wgsl: rowsWgsl,
  params: { T: 'u32', D4: 'u32', add: 'u32', eps: 'f32' },
} as const;
const rows = {
  forward: defineKernel({
    ...rowsSpec,
    entryPoint: 'forward',
    buffers: { x_TD: 'read', gain_D: 'read', rstd_T: 'read_write', y_TD: 'read_write' },
  }),
  dx: defineKernel({
    ...rowsSpec,
    entryPoint: 'dx',
    buffers: {
      x_TD: 'read',
      gain_D: 'read',
      dy_TD: 'read',
      rstd_T: 'read_write',
      dx_TD: 'read_write',
    },
  }),
};

/** Rows up to this many channels go one to a thread; wider ones get a workgroup each. */
const NARROW = 128;
export const isNarrow = (D: number): boolean => D <= NARROW && D % 4 === 0;

/** y = x * gain / rms(x), with rms(x) = sqrt(mean(x * x) + eps); x is [T, D]. */
export function rmsNorm(tape: Tape, x_TD: Tensor, gain_D: Tensor, eps: number): Tensor {
  const [T, D] = expectShape('rmsNorm x_TD', x_TD, 2);
  expectShape('rmsNorm gain_D', gain_D, [D]);
  const y_TD = tape.tensor([T, D], `norm(${x_TD.label})`, x_TD.type);
  const rstd_T = tape.tensor([T], `rstd(${x_TD.label})`);
  const tensors = { x_TD, gain_D, y_TD, rstd_T };
  const cost = 4 * T * D;
  if (isNarrow(D))
    tape.dispatch(rows.forward, tensors, { T, D4: D / 4, add: 0, eps }, rowGroups(T), { cost });
  else tape.dispatch(forward, tensors, { T, D, eps }, T, { cost });
  tape.onBackward(() => backward(tape, x_TD, gain_D, rstd_T, y_TD));
  return y_TD;
}

const rowGroups = (T: number): number => Math.ceil(T / rows.forward.threads);

function backward(tape: Tape, x_TD: Tensor, gain_D: Tensor, rstd_T: Tensor, y_TD: Tensor): void {
  const [T, D] = expectShape('rmsNorm x_TD', x_TD, 2);
  const dy_TD = tape.upstream(y_TD);
  const { tensor: dx_TD, add } = tape.gradientOf(x_TD);
  const cost = 6 * T * D;
  const tensors = { x_TD, gain_D, rstd_T, dy_TD, dx_TD };
  const sums = gainSums(tape, [gain_D], T);
  const [P, N] = expectShape('rmsNorm sums', sums.sums_PN, 2);
  const params = { T, D, P, N, column: sums.columns[0]!, add };
  if (isNarrow(D))
    tape.dispatch(rows.dx, tensors, { T, D4: D / 4, add, eps: 0 }, rowGroups(T), { cost });
  else tape.dispatch(backwardX, tensors, params, T, { cost });
  const grid = [Math.ceil(D / backwardGain.threads), P, 1] as const;
  const given = { x_TD, rstd_T, dy_TD, sums_PN: sums.sums_PN };
  tape.dispatch(backwardGain, given, params, grid, { cost });
  sums.finish();
}
