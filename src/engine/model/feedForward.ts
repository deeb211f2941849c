/** @file A dense SwiGLU feed-forward: down(silu(gate x) * up x), arXiv:2002.05202, eq. 6; gate and up in one product. */
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { linear } from '@/engine/ops/matmul';
import { swiglu } from '@/engine/ops/swiglu';
import type { Weights } from './weights';

/** x [T, D] -> [T, D] with the three weights under `prefix`. */
export function feedForward(
  tape: Tape,
  { linearPrecision }: Settings['model'],
  weights: Weights,
  prefix: string,
  x_TD: Tensor,
): Tensor {
  const stack = weights.at(`${prefix}gate_up_proj.weight`);
  const D = x_TD.shape[1]!;
  const hidden_TF = swiglu(
    tape,
    linear(tape, x_TD, stack.view([stack.length / D, D]), linearPrecision),
  );
  return linear(tape, hidden_TF, weights.at(`${prefix}down_proj.weight`), linearPrecision);
}
