/**
 * @file Causal attention with grouped heads, a sliding window and a document mask, streaming in both
 * directions: time and memory go with T x window, and no S x S map exists. Trinity, eq. 1–8.
 */

import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import {
  type AttentionVariantName,
  attentionVariants,
  fixedAttention,
  MOST_CHANNELS,
} from './attention.variants';

export interface Attention {
  /** S: tokens of one sequence; the rows of q, k and v are whole sequences. */
  readonly sequenceLength: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** Keys that a query sees, itself included; undefined: everything before it. */
  readonly window: number | undefined;
  /** Whether a token sees only its own document. */
  readonly isMaskedByDocument: boolean;
  /** Which kernels; chosen by `fixedAttention` unless said. */
  readonly variant?: AttentionVariantName;
}

/** What attention leaves for whoever looks at it: the output, and the log-sum-exp of every query. */
export interface Attended {
  readonly y_TH: Tensor;
  readonly lse_TH: Tensor;
}

/**
 * softmax(q kᵀ / √C) v for q [T, H * C] and k, v [T, G * C].
 * @param documents_T u32 [T]: document of each token, compared within its sequence only.
 * @throws {RangeError} on shapes that do not fit, and on heads wider than 256.
 */
export function attention(
  tape: Tape,
  q_TH: Tensor,
  k_TG: Tensor,
  v_TG: Tensor,
  documents_T: Tensor,
  options: Attention,
): Attended {
  const params = geometryOf(q_TH, k_TG, v_TG, options);
  const { T, S, H, G, C } = params;
  const variant = options.variant ?? fixedAttention(params);
  const kernels = attentionVariants[variant];
  if (!kernels.fits(params)) {
    throw new RangeError(`attention: ${variant} cannot do heads of ${C} channels`);
  }
  const overrides = { WIDTH: kernels.width(params) };
  const y_TH = tape.tensor([T, H * C], 'attention');
  const lse_TH = tape.tensor([T, H], 'attention lse');
  const cost = T * H * C * Math.min(params.window, S / 2);
  const tensors = { q_TH, k_TG, v_TG, documents_T };
  const queries = kernels.grid(params, H);
  tape.dispatch(kernels.forward, { ...tensors, y_TH, lse_TH }, params, queries, {
    overrides,
    cost: 2 * cost,
  });

  tape.onBackward(() => {
    const dy_TH = tape.upstream(y_TH);
    const stats_TH = tape.tensor([T, H, 2], 'attention stats');
    const groups = Math.ceil((T * H) / kernels.delta.threads);
    const both = { y_TH, dy_TH, lse_TH, stats_TH };
    tape.dispatch(kernels.delta, both, { rows: T * H, C }, groups, { cost: T * H * C });
    const dq = tape.gradientOf(q_TH);
    const dk = tape.gradientOf(k_TG);
    const dv = tape.gradientOf(v_TG);
    const common = { ...tensors, dy_TH, stats_TH };
    tape.dispatch(
      kernels.dq,
      { ...common, out0: dq.tensor },
      { ...params, add0: dq.add, add1: 0 },
      queries,
      { overrides, cost: 3 * cost },
    );
    tape.dispatch(
      kernels.dkv,
      { ...common, out0: dk.tensor, out1: dv.tensor },
      { ...params, add0: dk.add, add1: dv.add },
      kernels.grid(params, G),
      { overrides, cost: 4 * cost },
    );
  });
  return { y_TH, lse_TH };
}

function geometryOf(q_TH: Tensor, k_TG: Tensor, v_TG: Tensor, options: Attention) {
  const {
    sequenceLength: S,
    headCount: H,
    kvHeadCount: G,
    window = S,
    isMaskedByDocument,
  } = options;
  const [T, width] = expectShape('attention q_TH', q_TH, 2);
  const C = width / H;
  if (!Number.isInteger(C) || C > MOST_CHANNELS) {
    throw new RangeError(
      `attention q_TH: want ${H} heads of at most ${MOST_CHANNELS} channels, got a width of ${width}`,
    );
  }
  if (T % S !== 0)
    throw new RangeError(`attention q_TH: want whole sequences of ${S}, got ${T} tokens`);
  expectShape('attention k_TG', k_TG, [T, G * C]);
  expectShape('attention v_TG', v_TG, [T, G * C]);
  return {
    T,
    S,
    H,
    G,
    C,
    window: Math.min(window, S),
    masked: Number(isMaskedByDocument),
    scale: 1 / Math.sqrt(C),
  };
}
