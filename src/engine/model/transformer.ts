/**
 * @file The whole model up to the head: embedding, blocks with one norm or two around each half, final norm.
 * Trinity, eq. 33–39.
 */
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { add } from '@/engine/ops/add';
import { embedding, type TokenOrder } from '@/engine/ops/embedding';
import { addRmsNorm, rmsNorm } from '@/engine/ops/rmsNorm';
import { type AttentionInputs, attentionLayer, type KeyValues } from './attention';
import { feedForward } from './feedForward';
import { type MixtureInputs, type MixtureRecord, mixtureLayer } from './mixture';
import { embeddingName, finalNormName, layerName } from './parameters';
import type { Weights } from './weights';

export interface TransformerInputs extends AttentionInputs, MixtureInputs {
  /** u32 [T] token ids. */
  readonly tokens_T: Tensor;
  /** The same tokens sorted: for the backward pass. */
  readonly tokenOrder?: TokenOrder;
}

export interface TransformerOutput {
  /** [T, D] after the final norm; the head has not been applied. */
  readonly hidden_TD: Tensor;
  readonly mixtures: readonly MixtureRecord[];
}

/** Records the forward pass of `model` over T tokens. */
export function transformer(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  inputs: TransformerInputs,
): TransformerOutput {
  const scale = model.embeddingMultiplier ? Math.sqrt(model.width) : 1;
  let x_TD = embedding(tape, inputs.tokens_T, weights.at(embeddingName), scale, inputs.tokenOrder);
  const mixtures: MixtureRecord[] = [];
  const shared = new Map<number, KeyValues>();
  for (let layer = 0; layer < model.layerCount; layer++) {
    const gain = (name: string) => weights.at(layerName(layer, `${name}.weight`));
    const joined = (part_TD: Tensor, outer: string) =>
      model.sandwichNorm
        ? addRmsNorm(tape, x_TD, part_TD, gain(outer), model.normEps)
        : add(tape, x_TD, part_TD);
    const normed_TD = rmsNorm(tape, x_TD, gain('input_layernorm'), model.normEps);
    const attended_TD = attentionLayer(tape, model, weights, layer, normed_TD, inputs, shared);
    x_TD = joined(attended_TD, 'post_attention_layernorm');

    const u_TD = rmsNorm(tape, x_TD, gain('pre_mlp_layernorm'), model.normEps);
    let fed_TD: Tensor;
    if (layer < model.denseLayerCount)
      fed_TD = feedForward(tape, model, weights, layerName(layer, 'mlp.'), u_TD);
    else {
      const { y_TD, record } = mixtureLayer(tape, model, weights, layer, u_TD, inputs);
      mixtures.push(record);
      fed_TD = y_TD;
    }
    x_TD = joined(fed_TD, 'post_mlp_layernorm');
  }
  return { hidden_TD: rmsNorm(tape, x_TD, weights.at(finalNormName), model.normEps), mixtures };
}
