/**
 * @file The whole model up to the head: embedding, blocks with one norm or two around each half, final norm.
 * Trinity, eq. 33–39.
 */
import type { Settings } from '@/engine/config/settings';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { embedding, type TokenOrder } from '@/engine/ops/embedding';
import { residualNorm } from '@/engine/ops/residualNorm';
import { rmsNorm } from '@/engine/ops/rmsNorm';
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
  const table_VD = weights.at(embeddingName);
  const x_TD = embedding(tape, inputs.tokens_T, table_VD, scale, inputs.tokenOrder);
  const gain_D = weights.at(layerName(0, 'input_layernorm.weight'));
  let stream: Stream = { x_TD, u_TD: rmsNorm(tape, x_TD, gain_D, model.normEps) };
  const mixtures: MixtureRecord[] = [];
  const shared = new Map<number, KeyValues>();
  for (let layer = 0; layer < model.layerCount; layer++) {
    const into = stream;
    const record = () => block(tape, model, weights, layer, into, inputs, shared);
    // Later blocks may read its keys and values, so their gradients have to reach the second playing too.
    const handedOn = ({ stream: { x_TD, u_TD } }: Block) => [
      x_TD,
      u_TD,
      ...Object.values(shared.get(layer) ?? {}),
    ];
    // The last block's way back comes next: what it keeps lives hardly longer than what a second playing would make.
    const isRecomputed = inputs.isRecomputed && layer < model.layerCount - 1;
    const played = isRecomputed ? tape.recompute(record, handedOn) : record();
    if (played.mixture) mixtures.push(played.mixture);
    stream = played.stream;
  }
  return { hidden_TD: stream.u_TD, mixtures };
}

/** What goes from block to block, [T, D] each. */
interface Stream {
  /** The residual stream. */
  readonly x_TD: Tensor;
  /** The stream as the next block, or in the end the head, reads it: with its norm. */
  readonly u_TD: Tensor;
}

interface Block {
  readonly stream: Stream;
  readonly mixture: MixtureRecord | undefined;
}

/** One layer, and the norm of what reads it. */
function block(
  tape: Tape,
  model: Settings['model'],
  weights: Weights,
  layer: number,
  { x_TD, u_TD }: Stream,
  inputs: TransformerInputs,
  shared: Map<number, KeyValues>,
): Block {
  const at = (name: string) => weights.at(layerName(layer, `${name}.weight`));
  const joined = (residual_TD: Tensor, part_TD: Tensor, outer: string, inner_D: Tensor): Stream => {
    const outer_D = model.sandwichNorm ? at(outer) : undefined;
    return residualNorm(tape, { residual_TD, part_TD, outer_D, inner_D, eps: model.normEps });
  };
  const heard_TD = attentionLayer(tape, model, weights, layer, u_TD, inputs, shared);
  const before_D = at('pre_mlp_layernorm');
  const middle = joined(x_TD, heard_TD, 'post_attention_layernorm', before_D);

  const next_D = weights.at(
    layer + 1 < model.layerCount ? layerName(layer + 1, 'input_layernorm.weight') : finalNormName,
  );
  const ended = (fed_TD: Tensor) => joined(middle.x_TD, fed_TD, 'post_mlp_layernorm', next_D);
  if (layer < model.denseLayerCount) {
    const prefix = layerName(layer, 'mlp.');
    const fed_TD = feedForward(tape, model, weights, prefix, middle.u_TD);
    return { stream: ended(fed_TD), mixture: undefined };
  }
  const { y_TD, record } = mixtureLayer(tape, model, weights, layer, middle.u_TD, inputs);
  return { stream: ended(y_TD), mixture: record };
}
