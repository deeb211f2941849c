/** @file A mixture layer: router, dispatch, experts, combine, and the shared expert. Trinity, eq. 15–18. */
import type { Settings } from '@/engine/config/settings';
import type { LiveBlock } from '@/engine/gpu/live';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { combine } from '@/engine/ops/combine';
import { type Dispatched, dispatch } from '@/engine/ops/dispatch';
import { groupedLinear, sortedRows, tokenRows } from '@/engine/ops/groupedMatmul';
import { linear } from '@/engine/ops/matmul';
import { type Routed, router } from '@/engine/ops/router';
import { swiglu } from '@/engine/ops/swiglu';
import { feedForward } from './feedForward';
import { layerName } from './parameters';
import type { Weights } from './weights';

/** State of all routers, a row for each mixture layer. It outlives the step. */
export interface RouterState {
  /** [L, E] selection biases. */
  readonly bias_LE: Tensor;
  /** u32 [L, E] tokens that each expert got in this step. */
  readonly counts_LE: Tensor;
  /** [L, B] balance loss of each sequence, without its weight. */
  readonly balanceLoss_LB: Tensor;
  readonly balance: LiveBlock<'alpha'>;
}

/** What a view may want to know of a mixture layer. */
export interface MixtureRecord {
  readonly layer: number;
  readonly routed: Routed;
  readonly dispatched: Dispatched;
}

export interface MixtureInputs {
  readonly state: RouterState;
  readonly sequenceLength: number;
}

/** x [T, D] (already normed) -> [T, D]. */
export function mixtureLayer(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  x_TD: Tensor,
  { state, sequenceLength }: MixtureInputs,
): { y_TD: Tensor; record: MixtureRecord } {
  const at = (name: string) => weights.at(layerName(layer, `mlp.${name}.weight`));
  const row = layer - model.denseLayerCount;
  const logits_TE = linear(tape, x_TD, at('router.gate'));
  const routed = router(tape, logits_TE, {
    bias_LE: state.bias_LE,
    balanceLoss_LB: state.balanceLoss_LB,
    row,
    expertsPerToken: model.expertsPerToken,
    sequenceLength,
    routeScale: model.routeScale,
    live: state.balance,
  });
  const dispatched = dispatch(tape, routed.selected_TK, state.counts_LE, row);
  const tokens = tokenRows(tape, x_TD, dispatched);
  const gate_RF = groupedLinear(tape, tokens, at('experts.gate_proj'), dispatched);
  const up_RF = groupedLinear(tape, tokens, at('experts.up_proj'), dispatched);
  const hidden = sortedRows(swiglu(tape, gate_RF, up_RF));
  const out_RD = groupedLinear(tape, hidden, at('experts.down_proj'), dispatched);
  const shared_TD =
    model.sharedExpertCount > 0
      ? feedForward(tape, weights, layerName(layer, 'mlp.shared_experts.'), x_TD)
      : undefined;
  const y_TD = combine(tape, out_RD, routed.gates_TK, dispatched, shared_TD);
  return { y_TD, record: { layer, routed, dispatched } };
}
