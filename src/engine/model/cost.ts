/** @file What a model costs before it runs: operations for a token, and keys and values that generation keeps. */
import { isGlobalLayer, kvOwner } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { countParameters, elementCount, parameterSpecs } from './parameters';

type Model = Settings['model'];

/** Floating-point operations for one token, a multiply-add counted as two. */
export interface FlopsPerToken {
  /** Forward pass: linear layers of the active parameters, and attention at the mean distance of the context. */
  readonly forward: number;
  /** Forward and backward pass: three times the forward one. */
  readonly training: number;
}

/** Keys and values that generation keeps, two bytes a value (bf16), as papers count them. */
export interface KvCacheSize {
  /** Bytes that one more token takes as long as it lies in every window. */
  readonly bytesPerToken: number;
  /** Bytes that one more token takes beyond all windows: global layers only. */
  readonly growingBytesPerToken: number;
  /** Bytes at the training context. */
  readonly contextBytes: number;
}

/** Keys that a token of `layer` sees, averaged over a context of S tokens without document borders. */
function meanSpan(model: Model, layer: number, S: number): number {
  const w = isGlobalLayer(model, layer) ? S : Math.min(model.window, S);
  // The first w tokens see 1, 2, … w keys, the others w each.
  return ((w * (w + 1)) / 2 + (S - w) * w) / S;
}

/**
 * Operations for one token, a multiply-add counted as two: two for each active weight of a product (the embedding
 * is a lookup), and 4 H C for each key seen. Backward takes twice as many (arXiv:2001.08361, 2.1).
 */
export function flopsPerToken({ model, data }: Settings): FlopsPerToken {
  const specs = parameterSpecs(model);
  const isLookup = (role: string) =>
    role === 'gain' || (role === 'embedding' && !model.tiedEmbeddings);
  const idle = specs
    .filter(({ role }) => isLookup(role))
    .reduce((n, spec) => n + elementCount(spec), 0);
  let attended = 0;
  for (let layer = 0; layer < model.layerCount; layer++) {
    attended += 4 * model.headCount * model.headWidth * meanSpan(model, layer, data.contextLength);
  }
  const forward = Math.round(2 * (countParameters(model).active - idle) + attended);
  return { forward, training: 3 * forward };
}

/** Bytes of one kept value: papers count bf16. */
const VALUE_BYTES = 2;

/** arXiv:2411.02265, Table 2: 4 bytes for each channel of each KV head of each layer that has keys of its own. */
export function kvCache({ model, data }: Settings): KvCacheSize {
  const { kvHeadCount, headWidth, layerCount } = model;
  const layerBytes = 2 * VALUE_BYTES * kvHeadCount * headWidth;
  const spans = new Map<number, number>();
  for (let layer = 0; layer < layerCount; layer++) {
    const owner = kvOwner(model, layer);
    const span = isGlobalLayer(model, layer) ? Number.POSITIVE_INFINITY : model.window;
    spans.set(owner, Math.max(span, spans.get(owner) ?? 0));
  }
  const kept = [...spans.values()];
  return {
    bytesPerToken: layerBytes * kept.length,
    growingBytesPerToken:
      layerBytes * kept.filter((span) => span === Number.POSITIVE_INFINITY).length,
    contextBytes: kept.reduce(
      (sum, span) => sum + layerBytes * Math.min(span, data.contextLength),
      0,
    ),
  };
}
