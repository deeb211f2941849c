/**
 * @file The attention half of a block: projections, QK-norm, positions, attention, gate. Trinity, eq. 1–14;
 * shared keys and norm after rotation: Hunyuan-Large, arXiv:2411.02265, 2.2.1 and its released code.
 */
import { isGlobalLayer, isRotaryLayer, kvOwner } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { headNormRope, type Rope } from '@/engine/ops/headNormRope';
import { linear } from '@/engine/ops/matmul';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { layerName } from './parameters';
import type { Weights } from './weights';

/** Keys and values as a cache holds them: turned, and normed where the norm comes before the rotation. */
export interface KeyValues {
  /** [T, G * C] each */
  readonly k_TG: Tensor;
  readonly v_TG: Tensor;
}

/** Queries, keys and values of one layer: heads one behind the other. */
export interface Heads extends KeyValues {
  /** [T, H * C], normed and turned. */
  readonly q_TH: Tensor;
  /** Gain [C] of a norm that the keys still need: each layer that shares them has its own. */
  readonly keyGain_C: Tensor | undefined;
  readonly layer: number;
  /** Layer that made the keys. */
  readonly owner: number;
  /** Keys that a query sees; undefined: everything before it. */
  readonly window: number | undefined;
  /** [T, H * C]: what comes out is multiplied by its sigmoid; undefined: it stays as it is. */
  readonly gate_TH: Tensor | undefined;
}

/** How queries meet keys: over whole sequences in training, over a cache in generation. */
export type Attend = (tape: Tape, heads: Heads) => Tensor;

export interface AttentionInputs {
  readonly positions: Rope;
  readonly attend: Attend;
}

/** RMSNorm of every head of x [T, heads * C]. */
function headNorm(tape: Tape, x: Tensor, gain_C: Tensor, eps: number): Tensor {
  const C = gain_C.length;
  const heads = x.view([x.length / C, C]);
  return rmsNorm(tape, heads, gain_C, eps).view(x.shape, `${x.label} normed`);
}

/** The keys as queries meet them: with the norm that they still need. */
export const attendedKeys = (tape: Tape, { k_TG, keyGain_C }: Heads, eps: number): Tensor =>
  keyGain_C ? headNorm(tape, k_TG, keyGain_C, eps) : k_TG;

/**
 * x [T, D] (already normed) -> [T, D].
 * @param shared keys and values of the layers before, by layer; this layer's own are added.
 */
export function attentionLayer(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  x_TD: Tensor,
  { positions, attend }: AttentionInputs,
  shared: Map<number, KeyValues>,
): Tensor {
  const { qkNorm, normEps: eps, headWidth, headCount, kvHeadCount } = model;
  const at = (name: string) => weights.at(layerName(layer, `self_attn.${name}.weight`));
  const projected = (x: Tensor, name: string) => {
    const w = at(name);
    return linear(tape, x, w.view([w.length / x.shape[1]!, x.shape[1]!]), model.linearPrecision);
  };
  const isTurned = isRotaryLayer(model, layer);
  const owner = kvOwner(model, layer);
  const ofQueries = model.attentionGate ? 'q_gate_proj' : 'q_proj';
  const names = owner === layer ? [ofQueries, 'k_v_proj'] : [ofQueries];
  const [queriesAndGate, keysAndValues] = tape.together(() =>
    names.map((name) => projected(x_TD, name)),
  );
  const placed = (x: Tensor, heads: number, norm: 'q_norm' | 'k_norm') => {
    const gain_C = qkNorm === 'before' ? at(norm) : undefined;
    const options = { headCount: heads, headWidth, gain_C, eps, positions, isTurned };
    return headNormRope(tape, x, options);
  };
  const queries = placed(queriesAndGate!, headCount, 'q_norm');
  const q_TH =
    qkNorm === 'after' ? headNorm(tape, queries.heads, at('q_norm'), eps) : queries.heads;
  if (keysAndValues) {
    const { heads, rest } = placed(keysAndValues, kvHeadCount, 'k_norm');
    shared.set(layer, { k_TG: heads, v_TG: rest! });
  }
  const y_TH = attend(tape, {
    q_TH,
    ...shared.get(owner)!,
    keyGain_C: qkNorm === 'after' ? at('k_norm') : undefined,
    layer,
    owner,
    window: isGlobalLayer(model, layer) ? undefined : model.window,
    gate_TH: queries.rest,
  });
  return projected(y_TH, 'o_proj');
}
