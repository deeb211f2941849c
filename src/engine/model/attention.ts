/** @file The attention half of a block: projections, QK-norm, positions, attention, gate. Trinity, eq. 1–14. */
import { isGlobalLayer } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { linear } from '@/engine/ops/matmul';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { type Rope, rope } from '@/engine/ops/rope';
import { sigmoidGate } from '@/engine/ops/sigmoidGate';
import { layerName } from './parameters';
import type { Weights } from './weights';

/** Queries, keys and values of one layer, normed and turned: heads one behind the other. */
export interface Heads {
  /** [T, H * C] */
  readonly q_TH: Tensor;
  /** [T, G * C] */
  readonly k_TG: Tensor;
  readonly v_TG: Tensor;
  readonly layer: number;
  /** Keys that a query sees; undefined: everything before it. */
  readonly window: number | undefined;
}

/** How queries meet keys: over whole sequences in training, over a cache in generation. */
export type Attend = (tape: Tape, heads: Heads) => Tensor;

export interface AttentionInputs {
  readonly positions: Rope;
  readonly attend: Attend;
}

/** x [T, D] (already normed) -> [T, D]. Local layers have rotary positions, global ones none. */
export function attentionLayer(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  x_TD: Tensor,
  { positions, attend }: AttentionInputs,
): Tensor {
  const { headWidth: C, normEps } = model;
  const at = (name: string) => weights.at(layerName(layer, `self_attn.${name}.weight`));
  const isGlobal = isGlobalLayer(model, layer);
  const placed = (x: Tensor) => (isGlobal ? x : rope(tape, x, positions));
  const normed = (x: Tensor, gain: Tensor) =>
    rmsNorm(tape, x.view([x.length / C, C]), gain, normEps).view(x.shape, `${x.label} normed`);
  const q_TH = placed(normed(linear(tape, x_TD, at('q_proj')), at('q_norm')));
  const k_TG = placed(normed(linear(tape, x_TD, at('k_proj')), at('k_norm')));
  const v_TG = linear(tape, x_TD, at('v_proj'));
  const gate_TH = linear(tape, x_TD, at('gate_proj'));
  const window = isGlobal ? undefined : model.window;
  const y_TH = attend(tape, { q_TH, k_TG, v_TG, layer, window });
  return linear(tape, sigmoidGate(tape, y_TH, gate_TH), at('o_proj'));
}
