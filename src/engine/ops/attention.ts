/**
 * @file Causal attention with grouped heads, a sliding window and a document mask, streaming in both
 * directions: time and memory go with T x window, and no S x S map exists. Trinity, eq. 1–8.
 */

import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import {
  type AttentionPart,
  type AttentionSizes,
  type AttentionVariant,
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
  /** [T, H * C]: the output is multiplied by its sigmoid (Trinity, eq. 11–14). */
  readonly gate_TH?: Tensor | undefined;
  /** Which kernels; chosen by the tape's tuning, else `fixedAttention`, unless said. */
  readonly variant?: AttentionVariantName;
}

/** What attention leaves for whoever looks at it: the output, and the log-sum-exp of every query. */
export interface Attended {
  readonly y_TH: Tensor;
  readonly lse_TH: Tensor;
}

/**
 * softmax(q kᵀ / √C) v for q [T, H * C] and k, v [T, G * C]; gated where there is a gate.
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
  const kernelsOf = (part: AttentionPart) => chosen(tape, part, params, options.variant);
  const forward = kernelsOf('forward');
  const { gate_TH } = options;
  if (gate_TH) expectShape('attention gate_TH', gate_TH, [T, H * C]);
  const y_TH = tape.tensor([T, H * C], 'attention', q_TH.type);
  const lse_TH = tape.tensor([T, H], 'attention lse');
  // A kernel binds every buffer that it names: without a gate, one element that nobody writes.
  const gatedType = gate_TH ? q_TH.type : 'f32';
  const gated_TH = tape.tensor(gate_TH ? y_TH.shape : [1], 'gated attention', gatedType);
  const overrides = { WIDTH: forward.width(params), GATED: Number(gate_TH !== undefined) };
  const cost = T * H * C * meanSpan(params.window, S);
  const read = { q_TH, k_TG, v_TG, documents_T };
  const tensors = { ...read, gate_TH: gate_TH ?? q_TH, y_TH, lse_TH, gated_TH };
  const groups = forward.grid(params, H);
  tape.dispatch(forward.forward, tensors, params, groups, { overrides, cost: 2 * cost });

  tape.onBackward(() => {
    const upstream = perQuery(tape, forward, params, { y_TH, lse_TH, gate_TH, gated_TH });
    const q = tape.gradientOf(q_TH);
    const k = tape.gradientOf(k_TG);
    const v = tape.gradientOf(v_TG);
    const common = { ...read, ...upstream };
    const dq = kernelsOf('dq');
    tape.dispatch(
      dq.dq,
      { ...common, out0: q.tensor },
      { ...params, add0: q.add, add1: 0 },
      dq.grid(params, H),
      { overrides: { WIDTH: dq.width(params) }, cost: 3 * cost },
    );
    const dkv = kernelsOf('dkv');
    tape.dispatch(
      dkv.dkv,
      { ...common, out0: k.tensor, out1: v.tensor },
      { ...params, add0: k.add, add1: v.add },
      dkv.grid(params, G),
      { overrides: { WIDTH: dkv.width(params) }, cost: 4 * cost },
    );
  });
  return { y_TH: gate_TH ? gated_TH : y_TH, lse_TH };
}

/**
 * The kernels of one part: those asked for, or what the tape's tuning says, or the fixed choice.
 * @throws {RangeError} where those asked for cannot do the heads
 */
function chosen(
  { tuning }: Tape,
  form: AttentionPart,
  sizes: AttentionSizes & { readonly window: number },
  wanted: AttentionVariantName | undefined,
): AttentionVariant {
  const { T, S, H, C, window } = sizes;
  if (wanted) {
    if (attentionVariants[wanted].fits(sizes)) return attentionVariants[wanted];
    throw new RangeError(`attention: ${wanted} cannot do heads of ${C} channels`);
  }
  const sides = [T / S, H, S, window, C];
  const tuned = tuning({ op: 'attention', form, sides }) as AttentionVariantName | undefined;
  // A class of shapes may hold one that its winner cannot do.
  const isUsable = tuned !== undefined && attentionVariants[tuned].fits(sizes);
  return attentionVariants[isUsable ? tuned : fixedAttention(sizes)];
}

interface Outputs {
  readonly y_TH: Tensor;
  readonly lse_TH: Tensor;
  readonly gate_TH: Tensor | undefined;
  readonly gated_TH: Tensor;
}

/** The gradient before the gate, and what the two products of the way back need of each query. */
function perQuery(
  tape: Tape,
  kernels: AttentionVariant,
  { T, H, C }: AttentionSizes,
  { y_TH, lse_TH, gate_TH, gated_TH }: Outputs,
): { dy_TH: Tensor; stats_TH: Tensor } {
  const stats_TH = tape.tensor([T, H, 2], 'attention stats');
  const rows = T * H;
  const groups = Math.ceil(rows / kernels.delta.threads);
  if (!gate_TH) {
    const dy_TH = tape.upstream(y_TH);
    const tensors = { y_TH, dy_TH, lse_TH, stats_TH };
    tape.dispatch(kernels.delta, tensors, { rows, C }, groups, { cost: rows * C });
    return { dy_TH, stats_TH };
  }
  const dy_TH = tape.tensor(y_TH.shape, 'dattention');
  const dgate = tape.gradientOf(gate_TH);
  tape.dispatch(
    kernels.gate,
    {
      y_TH,
      gate_TH,
      dz_TH: tape.upstream(gated_TH),
      lse_TH,
      dy_TH,
      dgate_TH: dgate.tensor,
      stats_TH,
    },
    { rows, C, add: dgate.add },
    groups,
    { cost: 16 * rows * C },
  );
  return { dy_TH, stats_TH };
}

/** Keys that a query sees, averaged over a sequence without document borders: 1, 2, … window, then window each. */
const meanSpan = (window: number, S: number): number =>
  ((window * (window + 1)) / 2 + (S - window) * window) / S;

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
