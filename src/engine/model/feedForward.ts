/** @file A dense SwiGLU feed-forward: down(silu(gate x) * up x), arXiv:2002.05202, eq. 6; gate and up in one product. */
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { type LinearInput, linear, linearSwiglu } from '@/engine/ops/matmul';
import type { Weights } from './weights';

/** Its two halves with the three weights under `prefix`: x [T, D] to the hidden rows [T, F], and those to [T, D]. */
export function feedForwardHalves(
  tape: Tape,
  { linearPrecision }: Settings['model'],
  weights: Weights,
  prefix: string,
) {
  const stack = weights.at(`${prefix}gate_up_proj.weight`);
  const down_DF = weights.at(`${prefix}down_proj.weight`);
  const D = down_DF.shape[0]!;
  const both_2FD = stack.view([stack.length / D, D]);
  return {
    hidden: (x_TD: Tensor) => linearSwiglu(tape, x_TD, both_2FD, linearPrecision),
    out: (hidden: LinearInput) => linear(tape, hidden, down_DF, linearPrecision),
  };
}

/** x [T, D] -> [T, D]. */
export function feedForward(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  prefix: string,
  x_TD: Tensor,
): Tensor {
  const { hidden, out } = feedForwardHalves(tape, model, weights, prefix);
  return out(hidden(x_TD));
}
