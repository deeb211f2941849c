/** @file Records one token of generation: forward over a cache, head, and the draw of the next token. */
import { isGlobalLayer, mixtureLayers } from '@/engine/config/layers';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { headName } from '@/engine/model/parameters';
import { transformer } from '@/engine/model/transformer';
import { decodeAttention } from '@/engine/ops/decodeAttention';
import { linear } from '@/engine/ops/matmul';
import { sampleToken } from '@/engine/ops/sampleToken';
import type { RunState } from './state';

export interface GenerationInputs {
  /** u32 [P]: prompt and continuation. */
  readonly text: Tensor;
  /** u32 [1]: the token that goes in next. */
  readonly token: Tensor;
  /** Keys and values of each layer, [ring, G * C]; a local layer keeps its window. */
  readonly caches: readonly { readonly kCache: Tensor; readonly vCache: Tensor }[];
  readonly counts_LE: Tensor;
  readonly balanceLoss_LB: Tensor;
}

/** Memory of generation, for texts of at most `longest` tokens. */
export function generationInputs(state: RunState, longest: number): GenerationInputs {
  const { model } = state.settings;
  const L = Math.max(1, mixtureLayers(model).length);
  const width = model.kvHeadCount * model.headWidth;
  const cache = state.arena('cache');
  return {
    text: state.arena('generation').tensor([longest], 'generated text', 'u32'),
    token: state.arena('generation').tensor([1], 'generated token', 'u32'),
    caches: Array.from({ length: model.layerCount }, (_, layer) => {
      const ring = isGlobalLayer(model, layer) ? longest : Math.min(model.window, longest);
      return {
        kCache: cache.tensor([ring, width], `layers.${layer} k cache`),
        vCache: cache.tensor([ring, width], `layers.${layer} v cache`),
      };
    }),
    counts_LE: state
      .arena('generation outputs')
      .tensor([L, model.expertCount], 'generation counts', 'u32'),
    balanceLoss_LB: state.arena('generation outputs').tensor([L, 1], 'generation balance losses'),
  };
}

/** One token in, the next one out; the live blocks say where it stands and how it is drawn. */
export function recordGeneration(state: RunState, inputs: GenerationInputs): Tape {
  const { settings, weights, blocks } = state;
  const { model } = settings;
  const { text, token, caches, counts_LE, balanceLoss_LB } = inputs;
  const tape = new Tape();
  const { hidden_TD } = transformer(tape, model, weights, {
    tokens_T: token,
    positions: { table_PC: state.ropeTable_PC, sequenceLength: 1, position: blocks.position },
    attend: (on, { q_TH, k_TG, v_TG, layer }) =>
      decodeAttention(on, q_TH, k_TG, v_TG, {
        headCount: model.headCount,
        kvHeadCount: model.kvHeadCount,
        ...caches[layer]!,
        position: blocks.position,
      }),
    sequenceLength: 1,
    state: { bias_LE: state.router.bias_LE, counts_LE, balanceLoss_LB, balance: blocks.balance },
  });
  sampleToken(tape, linear(tape, hidden_TD, weights.at(headName)), text, token, blocks.sampling);
  return tape;
}
