/**
 * @file Causal attention with grouped heads, a sliding window and a document mask, streaming in both
 * directions: time and memory go with T x window, and no S x S map exists. Trinity, eq. 1–8.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardVec4Wgsl from '@/shaders/attention.backward.vec4.wgsl?raw';
import backwardWgsl from '@/shaders/attention.backward.wgsl?raw';
import deltaWgsl from '@/shaders/attention.delta.wgsl?raw';
import forwardVec4Wgsl from '@/shaders/attention.forward.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/attention.forward.wgsl?raw';

const geometry = {
  T: 'u32',
  S: 'u32',
  H: 'u32',
  G: 'u32',
  C: 'u32',
  window: 'u32',
  masked: 'u32',
  scale: 'f32',
} as const;
const inputs = { q_TH: 'read', k_TG: 'read', v_TG: 'read', documents_T: 'read' } as const;
/** The same four kernels, channel by channel or four at a time. */
function family(suffix: '' | '.vec4', forwardText: string, backwardText: string) {
  const backward = {
    name: `attention.backward${suffix}`,
    wgsl: backwardText,
    params: { ...geometry, add0: 'u32', add1: 'u32' },
  } as const;
  return {
    delta: defineKernel({
      name: 'attention.delta',
      wgsl: deltaWgsl,
      entryPoint: suffix === '' ? 'main' : 'fours',
      buffers: { y_TH: 'read', dy_TH: 'read', lse_TH: 'read', stats_TH: 'read_write' },
      params: { rows: 'u32', C: 'u32' },
    }),
    forward: defineKernel({
      name: `attention.forward${suffix}`,
      wgsl: forwardText,
      entryPoint: 'main',
      buffers: { ...inputs, y_TH: 'read_write', lse_TH: 'read_write' },
      params: geometry,
    }),
    dq: defineKernel({
      ...backward,
      entryPoint: 'dq',
      buffers: { ...inputs, dy_TH: 'read', stats_TH: 'read', out0: 'read_write' },
    }),
    dkv: defineKernel({
      ...backward,
      entryPoint: 'dkv',
      buffers: {
        ...inputs,
        dy_TH: 'read',
        stats_TH: 'read',
        out0: 'read_write',
        out1: 'read_write',
      },
    }),
  };
}
const plain = family('', forwardWgsl, backwardWgsl);
const vec4 = family('.vec4', forwardVec4Wgsl, backwardVec4Wgsl);
const MAX_CHANNELS = 256;

export interface Attention {
  /** S: tokens of one sequence; the rows of q, k and v are whole sequences. */
  readonly sequenceLength: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** Keys that a query sees, itself included; undefined: everything before it. */
  readonly window: number | undefined;
  /** Whether a token sees only its own document. */
  readonly isMaskedByDocument: boolean;
  /** Never take the faster kernels: for comparing the two. */
  readonly isPlain?: boolean;
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
  const { T, H, G, C } = params;
  const kernels = C % 4 === 0 && !options.isPlain ? vec4 : plain;
  const overrides = { WIDTH: kernels === vec4 ? C / 4 : C };
  const y_TH = tape.tensor([T, H * C], 'attention');
  const lse_TH = tape.tensor([T, H], 'attention lse');
  const cost = T * H * C * Math.min(params.window, params.S / 2);
  const tensors = { q_TH, k_TG, v_TG, documents_T };
  const queryGroups = Math.ceil((T * H) / kernels.forward.threads);
  tape.dispatch(kernels.forward, { ...tensors, y_TH, lse_TH }, params, queryGroups, {
    overrides,
    cost: 2 * cost,
  });

  tape.onBackward(() => {
    const dy_TH = tape.upstream(y_TH);
    const stats_TH = tape.tensor([T, H, 2], 'attention stats');
    tape.dispatch(
      kernels.delta,
      { y_TH, dy_TH, lse_TH, stats_TH },
      { rows: T * H, C },
      queryGroups,
      {
        cost: T * H * C,
      },
    );
    const dq = tape.gradientOf(q_TH);
    const dk = tape.gradientOf(k_TG);
    const dv = tape.gradientOf(v_TG);
    const common = { ...tensors, dy_TH, stats_TH };
    tape.dispatch(
      kernels.dq,
      { ...common, out0: dq.tensor },
      { ...params, add0: dq.add, add1: 0 },
      queryGroups,
      { overrides, cost: 3 * cost },
    );
    tape.dispatch(
      kernels.dkv,
      { ...common, out0: dk.tensor, out1: dv.tensor },
      { ...params, add0: dk.add, add1: dv.add },
      Math.ceil((T * G) / kernels.dkv.threads),
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
  if (!Number.isInteger(C) || C > MAX_CHANNELS) {
    throw new RangeError(
      `attention q_TH: want ${H} heads of at most ${MAX_CHANNELS} channels, got a width of ${width}`,
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
