/** @file One forward pass that keeps what training never stores: the logits, and what each router decided. */
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import type { MixtureRecord } from '@/engine/model/mixture';
import { outputName } from '@/engine/model/parameters';
import { LOSSES_LENGTH } from '@/engine/ops/lossSum';
import { linear } from '@/engine/ops/matmul';
import { recordEvaluation } from './recordStep';
import type { RunState } from './state';

export interface ReplayPass {
  readonly tape: Tape;
  /** [T, V] */
  readonly logits_TV: Tensor;
  readonly mixtures: readonly MixtureRecord[];
}

/** Over the batch of the training step, so that one upload serves both. */
export function recordReplayPass(state: RunState): ReplayPass {
  const { model, data } = state.settings;
  const own = state.arena('replay');
  const { tape, hidden_TD, mixtures } = recordEvaluation(
    state,
    {
      ...state.batch,
      losses: own.tensor([LOSSES_LENGTH], 'replay losses'),
      routing: state.routingRecord('replay', data.batchSequences),
    },
    data.contextLength,
  );
  const logits_TV = tape.keep(linear(tape, hidden_TD, state.weights.at(outputName(model))));
  for (const { routed } of mixtures) {
    for (const tensor of [routed.scores_TE, routed.selected_TK, routed.gates_TK]) tape.keep(tensor);
  }
  return { tape, logits_TV, mixtures };
}
