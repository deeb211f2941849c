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
  /** Blocks keep only what goes into them and are played again on the way back, arXiv:1604.06174. */
  readonly isRecomputed?: boolean;
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
    const into_TD = x_TD;
    const record = () => block(tape, model, weights, layer, into_TD, inputs, shared);
    // Later blocks may read its keys and values, so their gradients have to reach the second playing too.
    const handedOn = ({ y_TD }: Block) => [y_TD, ...Object.values(shared.get(layer) ?? {})];
    // The last block's way back comes next: what it keeps lives hardly longer than what a second playing would make.
    const isRecomputed = inputs.isRecomputed && layer < model.layerCount - 1;
    const { y_TD, mixture } = isRecomputed ? tape.recompute(record, handedOn) : record();
    if (mixture) mixtures.push(mixture);
    x_TD = y_TD;
  }
  return { hidden_TD: rmsNorm(tape, x_TD, weights.at(finalNormName), model.normEps), mixtures };
}

interface Block {
  /** [T, D] */
  readonly y_TD: Tensor;
  readonly mixture: MixtureRecord | undefined;
}

/** One layer: x [T, D] -> [T, D]. */
function block(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  x_TD: Tensor,
  inputs: TransformerInputs,
  shared: Map<number, KeyValues>,
): Block {
  const gain = (name: string) => weights.at(layerName(layer, `${name}.weight`));
  const joined = (residual_TD: Tensor, part_TD: Tensor, outer: string) =>
    model.sandwichNorm
      ? addRmsNorm(tape, residual_TD, part_TD, gain(outer), model.normEps)
      : add(tape, residual_TD, part_TD);
  const normed_TD = rmsNorm(tape, x_TD, gain('input_layernorm'), model.normEps);
  const attended_TD = attentionLayer(tape, model, weights, layer, normed_TD, inputs, shared);
  const middle_TD = joined(x_TD, attended_TD, 'post_attention_layernorm');

  const u_TD = rmsNorm(tape, middle_TD, gain('pre_mlp_layernorm'), model.normEps);
  if (layer < model.denseLayerCount) {
    const fed_TD = feedForward(tape, model, weights, layerName(layer, 'mlp.'), u_TD);
    return { y_TD: joined(middle_TD, fed_TD, 'post_mlp_layernorm'), mixture: undefined };
  }
  const { y_TD, record } = mixtureLayer(tape, model, weights, layer, u_TD, inputs);
  return { y_TD: joined(middle_TD, y_TD, 'post_mlp_layernorm'), mixture: record };
}
