/** @file From a measured map to what the attention panel shows. */
import { isGlobalLayer } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import type { AttentionView, Watch } from './commands';

/** @param weights [side, side] of the head that was watched when the step was submitted. */
export function attentionView(
  weights: Float32Array,
  { layer, head, sequence }: NonNullable<Watch['attention']>,
  batch: Batch,
  { model, data }: Settings,
  step: number,
): AttentionView {
  const size = Math.sqrt(weights.length);
  const first = sequence * data.contextLength;
  let entropy = 0;
  let distance = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const weight = weights[i * size + j]!;
      if (weight > 0) entropy -= weight * Math.log(weight);
      distance += weight * (i - j);
    }
  }
  return {
    step,
    layer,
    head,
    sequence,
    size,
    weights,
    documents: batch.documents.slice(first, first + size),
    tokens: batch.tokens.slice(first, first + size),
    window: isGlobalLayer(model, layer) ? undefined : model.window,
    isMaskedByDocument: data.intraDocumentMask,
    kvHead: Math.floor((head * model.kvHeadCount) / model.headCount),
    entropy: entropy / size,
    meanDistance: distance / size,
  };
}
