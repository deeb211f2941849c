/**
 * @file A mixture layer: router, dispatch, experts, combine, and the shared expert. Trinity, eq. 15–18; capacity
 * and recycling: Hunyuan-Large, arXiv:2411.02265, 2.2.3.
 */
import type { Settings } from '@/engine/config/settings';
import type { LiveBlock } from '@/engine/gpu/live';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { combine } from '@/engine/ops/combine';
import { groupedLinear, groupedSwiglu, tokenRows } from '@/engine/ops/groupedMatmul';
import { linear } from '@/engine/ops/matmul';
import type { Capacity } from '@/engine/ops/recycle';
import { type Routed, router, type routerLive } from '@/engine/ops/router';
import type { RoutingRecord } from '@/engine/ops/routingStatistics';
import { feedForwardHalves } from './feedForward';
import { layerName } from './parameters';
import type { Weights } from './weights';

/** What all routers of a model share, a row for each mixture layer. */
export interface RouterInputs {
  /** [L, E] selection biases. */
  readonly bias_LE: Tensor;
  /** What this pass finds out about its routing. */
  readonly record: RoutingRecord;
  readonly live: LiveBlock<keyof typeof routerLive>;
  /** Where experts may be full; undefined: none ever is. */
  readonly overflow: Omit<Capacity, 'capacity' | 'isRecycled'> | undefined;
}

/** What a view may want to know of a mixture layer. */
export interface MixtureRecord {
  readonly layer: number;
  readonly routed: Routed;
}

export interface MixtureInputs {
  readonly routing: RouterInputs;
  readonly sequenceLength: number;
}

/** An expert takes at least so many tokens: min_capacity of the released Hunyuan configuration. */
const LEAST_CAPACITY = 8;

/** Tokens that one expert takes of a batch of T. */
export const expertCapacity = ({ capacityFactor, expertCount }: Settings['model'], T: number) =>
  Math.max(LEAST_CAPACITY, Math.ceil((capacityFactor * T) / expertCount));

/** x [T, D] (already normed) -> [T, D]. */
export function mixtureLayer(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  x_TD: Tensor,
  inputs: MixtureInputs,
): { y_TD: Tensor; record: MixtureRecord } {
  const at = (name: string) => weights.at(layerName(layer, `mlp.${name}.weight`));
  const { bias_LE, record, live, overflow } = inputs.routing;
  const shared =
    model.sharedExpertCount > 0
      ? feedForwardHalves(tape, model, weights, layerName(layer, 'mlp.shared_experts.'))
      : undefined;
  const { logits_TE, sharedHidden } = tape.together(() => ({
    logits_TE: linear(tape, x_TD, at('router.gate')),
    sharedHidden: shared?.hidden(x_TD),
  }));
  const routed = router(tape, logits_TE, {
    bias_LE,
    record,
    row: layer - model.denseLayerCount,
    expertsPerToken: model.expertsPerToken,
    sequenceLength: inputs.sequenceLength,
    scoring: model.scoring,
    isNormalised: model.normalisedGates,
    routeScale: model.routeScale,
    live,
    capacity: overflow && {
      ...overflow,
      capacity: expertCapacity(model, x_TD.shape[0]!),
      isRecycled: model.overflow === 'recycle',
    },
  });
  const { dispatched } = routed;
  const { expertCount: E, linearPrecision: precision } = model;
  const experts = (name: string) => {
    const stack = at(`experts.${name}`);
    const columns = stack.shape.at(-1)!;
    return stack.view([E, stack.length / (E * columns), columns]);
  };
  const rows = tokenRows(tape, x_TD, dispatched);
  const hidden = groupedSwiglu(tape, rows, experts('gate_up_proj'), dispatched, { precision });
  const { out_RD, shared_TD } = tape.together(() => ({
    out_RD: groupedLinear(tape, hidden, experts('down_proj'), dispatched, { precision }),
    shared_TD: sharedHidden && shared?.out(sharedHidden),
  }));
  const y_TD = combine(tape, out_RD, routed.gates_TK, dispatched, shared_TD);
  return { y_TD, record: { layer, routed } };
}
