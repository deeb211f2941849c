/** @file Records one token of generation: forward over a cache, head, and the draw of the next token. */
import { isGlobalLayer, kvOwner } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { outputName } from '@/engine/model/parameters';
import { transformer } from '@/engine/model/transformer';
import { decodeAttention } from '@/engine/ops/decodeAttention';
import { linear } from '@/engine/ops/matmul';
import type { RoutingRecord } from '@/engine/ops/routingStatistics';
import { sampleToken } from '@/engine/ops/sampleToken';
import { sigmoidGate } from '@/engine/ops/sigmoidGate';
import type { RunState } from './state';

export interface GenerationInputs {
  /** u32 [P]: prompt and continuation. */
  readonly text: Tensor;
  /** u32 [1]: the token that goes in next. */
  readonly token: Tensor;
  /** Keys and values by the layer that made them, [ring, G * C]; local layers alone keep their window. */
  readonly caches: ReadonlyMap<number, { readonly kCache: Tensor; readonly vCache: Tensor }>;
  readonly routing: RoutingRecord;
}

/** Memory of generation, for texts of at most `longest` tokens. */
export function generationInputs(state: RunState, longest: number): GenerationInputs {
  const { model } = state.settings;
  const width = model.kvHeadCount * model.headWidth;
  const cache = state.arena('cache');
  return {
    text: state.arena('generation').tensor([longest], 'generated text', 'u32'),
    token: state.arena('generation').tensor([1], 'generated token', 'u32'),
    caches: new Map(
      cacheLengths(model, longest).map(([owner, ring]) => [
        owner,
        {
          kCache: cache.tensor([ring, width], `layers.${owner} k cache`),
          vCache: cache.tensor([ring, width], `layers.${owner} v cache`),
        },
      ]),
    ),
    routing: state.routingRecord('generation', 1),
  };
}

/** Positions that each layer with keys of its own must keep, for the longest sight of those that use them. */
function cacheLengths(model: Settings['model'], longest: number): [owner: number, ring: number][] {
  const rings = new Map<number, number>();
  for (let layer = 0; layer < model.layerCount; layer++) {
    const sight = isGlobalLayer(model, layer) ? longest : Math.min(model.window, longest);
    const owner = kvOwner(model, layer);
    rings.set(owner, Math.max(sight, rings.get(owner) ?? 0));
  }
  return [...rings];
}

/** One token in, the next one out; the live blocks say where it stands and how it is drawn. */
export function recordGeneration(state: RunState, inputs: GenerationInputs): Tape {
  const { settings, weights, blocks } = state;
  const { model } = settings;
  const { text, token, caches, routing } = inputs;
  const tape = new Tape(state.tuning);
  const { hidden_TD } = transformer(tape, model, weights, {
    tokens_T: token,
    positions: { table_PC: state.ropeTable_PC, sequenceLength: 1, position: blocks.position },
    attend: (on, { q_TH, k_TG, v_TG, keyGain_C, gate_TH, layer, owner, window }) => {
      const y_TH = decodeAttention(
        on,
        q_TH,
        owner === layer ? { k_G: k_TG, v_G: v_TG } : undefined,
        {
          headCount: model.headCount,
          kvHeadCount: model.kvHeadCount,
          ...caches.get(owner)!,
          keyNorm: keyGain_C && { gain_C: keyGain_C, eps: model.normEps },
          window,
          position: blocks.position,
        },
      );
      return gate_TH ? sigmoidGate(on, y_TH, gate_TH) : y_TH;
    },
    sequenceLength: 1,
    routing: {
      bias_LE: state.router.bias_LE,
      record: routing,
      live: blocks.router,
      overflow: undefined,
    },
  });
  const logits_1V = linear(tape, hidden_TD, weights.at(outputName(model)));
  sampleToken(tape, logits_1V, text, token, blocks.sampling);
  return tape;
}
