/** @file A dense SwiGLU feed-forward: down(silu(gate x) * up x), arXiv:2002.05202, eq. 6. */
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
  const projected = (x: Tensor, name: string) =>
    linear(tape, x, weights.at(`${prefix}${name}.weight`), linearPrecision);
  const hidden_TF = swiglu(tape, projected(x_TD, 'gate_proj'), projected(x_TD, 'up_proj'));
  return projected(hidden_TF, 'down_proj');
}
