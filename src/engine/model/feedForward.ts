/** @file A dense SwiGLU feed-forward: down(silu(gate x) * up x), arXiv:2002.05202, eq. 6. */
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { linear } from '@/engine/ops/matmul';
import { swiglu } from '@/engine/ops/swiglu';
import type { Weights } from './weights';

/** x [T, D] -> [T, D] with the three weights under `prefix`. */
export function feedForward(tape: Tape, weights: Weights, prefix: string, x_TD: Tensor): Tensor {
  const at = (name: string) => weights.at(`${prefix}${name}.weight`);
  const hidden = swiglu(
    tape,
    linear(tape, x_TD, at('gate_proj')),
    linear(tape, x_TD, at('up_proj')),
  );
  return linear(tape, hidden, at('down_proj'));
}
