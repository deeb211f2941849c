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
import { chunkCount, columnSum } from './columnSum';

const forwardParams = { T: 'u32', D: 'u32', eps: 'f32' } as const;
const forward = defineKernel({
  name: 'rmsNorm.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: { x_TD: 'read', gain_D: 'read', y_TD: 'read_write', rstd_T: 'read_write' },
  params: forwardParams,
});
const forwardResidual = defineKernel({
  name: 'rmsNorm.forward',
  wgsl: forwardWgsl,
  entryPoint: 'residual',
  buffers: {
    x_TD: 'read',
    gain_D: 'read',
    residual_TD: 'read',
    y_TD: 'read_write',
    rstd_T: 'read_write',
  },
  params: forwardParams,
});
const backwardParams = { T: 'u32', D: 'u32', P: 'u32', add: 'u32' } as const;
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
  buffers: { x_TD: 'read', rstd_T: 'read', dy_TD: 'read', partial_PD: 'read_write' },
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
  residual: defineKernel({
    ...rowsSpec,
    entryPoint: 'residual',
    buffers: {
      x_TD: 'read',
      gain_D: 'read',
      residual_TD: 'read',
      rstd_T: 'read_write',
      y_TD: 'read_write',
    },
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
const isNarrow = (D: number): boolean => D <= NARROW && D % 4 === 0;

/** y = x * gain / rms(x), with rms(x) = sqrt(mean(x * x) + eps); x is [T, D]. */
export function rmsNorm(tape: Tape, x_TD: Tensor, gain_D: Tensor, eps: number): Tensor {
  const { y_TD, rstd_T, T, D } = outputs(tape, x_TD, gain_D);
  const tensors = { x_TD, gain_D, y_TD, rstd_T };
  const cost = 4 * T * D;
  if (isNarrow(D))
    tape.dispatch(rows.forward, tensors, { T, D4: D / 4, add: 0, eps }, rowGroups(T), { cost });
  else tape.dispatch(forward, tensors, { T, D, eps }, T, { cost });
  tape.onBackward(() => backward(tape, x_TD, gain_D, rstd_T, y_TD));
  return y_TD;
}

/**
 * y = residual + x * gain / rms(x): the second norm of a sandwich (Trinity, eq. 33). The gradient of y
 * goes on to `residual` in the same bytes.
 */
export function addRmsNorm(
  tape: Tape,
  residual_TD: Tensor,
  x_TD: Tensor,
  gain_D: Tensor,
  eps: number,
): Tensor {
  const { y_TD, rstd_T, T, D } = outputs(tape, x_TD, gain_D);
  expectShape('addRmsNorm residual_TD', residual_TD, [T, D]);
  const tensors = { x_TD, gain_D, residual_TD, y_TD, rstd_T };
  const cost = 5 * T * D;
  if (isNarrow(D))
    tape.dispatch(rows.residual, tensors, { T, D4: D / 4, add: 0, eps }, rowGroups(T), { cost });
  else tape.dispatch(forwardResidual, tensors, { T, D, eps }, T, { cost });
  tape.onBackward(() => {
    backward(tape, x_TD, gain_D, rstd_T, y_TD);
    tape.shareGradient(residual_TD, y_TD);
  });
  return y_TD;
}

const rowGroups = (T: number): number => Math.ceil(T / rows.forward.threads);

function outputs(tape: Tape, x_TD: Tensor, gain_D: Tensor) {
  const [T, D] = expectShape('rmsNorm x_TD', x_TD, 2);
  expectShape('rmsNorm gain_D', gain_D, [D]);
  const y_TD = tape.tensor([T, D], `norm(${x_TD.label})`);
  const rstd_T = tape.tensor([T], `rstd(${x_TD.label})`);
  return { y_TD, rstd_T, T, D };
}

function backward(tape: Tape, x_TD: Tensor, gain_D: Tensor, rstd_T: Tensor, y_TD: Tensor): void {
  const [T, D] = expectShape('rmsNorm x_TD', x_TD, 2);
  const P = chunkCount(T);
  const dy_TD = tape.upstream(y_TD);
  const { tensor: dx_TD, add } = tape.gradientOf(x_TD);
  const cost = 6 * T * D;
  const tensors = { x_TD, gain_D, rstd_T, dy_TD, dx_TD };
  if (isNarrow(D))
    tape.dispatch(rows.dx, tensors, { T, D4: D / 4, add, eps: 0 }, rowGroups(T), { cost });
  else tape.dispatch(backwardX, tensors, { T, D, P, add }, T, { cost });
  const partial_PD = tape.tensor([P, D], `dgain chunks(${gain_D.label})`);
  const grid = [Math.ceil(D / backwardGain.threads), P, 1] as const;
  tape.dispatch(backwardGain, { x_TD, rstd_T, dy_TD, partial_PD }, { T, D, P, add }, grid, {
    cost,
  });
  columnSum(tape, partial_PD, tape.gradientOf(gain_D));
}
