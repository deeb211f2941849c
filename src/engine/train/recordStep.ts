/**
 * @file Records what a run does on the device: start the weights, one training step, one evaluation. Each is
 * a tape; the same recording gives the plan of a run that never starts.
 */
import type { Settings } from '@/engine/config/settings';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import type { Attend } from '@/engine/model/attention';
import { headName } from '@/engine/model/parameters';
import { transformer } from '@/engine/model/transformer';
import { adamw } from '@/engine/ops/adamw';
import { type Attention, attention } from '@/engine/ops/attention';
import { attentionMap } from '@/engine/ops/attentionMap';
import { crossEntropy } from '@/engine/ops/crossEntropy';
import { domainLoad } from '@/engine/ops/domainLoad';
import { gradientNorm } from '@/engine/ops/gradientNorm';
import { loadBalance } from '@/engine/ops/loadBalance';
import { muon } from '@/engine/ops/muon';
import { normal } from '@/engine/ops/normal';
import type { RunState } from './state';

/** Optional parts of a training step: a view asks for them. */
export const sections = {
  domains: 'domains',
  attention: (layer: number) => `attention.${layer}`,
} as const;

/** Draws every matrix and sets every gain; a stream for each weight, numbered in checkpoint order. */
export function recordStart({ settings, weights, blocks, sigma }: RunState): Tape {
  const tape = new Tape();
  const distribution = settings.model.initDistribution;
  let stream = 0;
  for (const { spec, weight } of [...weights.entries()].sort((a, b) =>
    a.spec.name < b.spec.name ? -1 : 1,
  )) {
    if (spec.role !== 'gain') {
      const draw = { distribution, sigma, stream: stream++ };
      normal(tape, weight.view([weight.length]), draw, blocks.seed);
    }
  }
  return tape;
}

/** Attention over whole sequences, as training and evaluation do it. */
export function attentionOptions(
  { model, data }: Settings,
  window: number | undefined,
  sequenceLength = data.contextLength,
): Attention {
  return {
    sequenceLength,
    headCount: model.headCount,
    kvHeadCount: model.kvHeadCount,
    window,
    isMaskedByDocument: data.intraDocumentMask,
  };
}

/**
 * One optimizer step: forward, backward, clip, optimizer, balancer.
 * @param isSketch leaves out repetitions that take no further memory, for plans of huge models.
 */
export function recordStep(state: RunState, isSketch = false): Tape {
  const { settings, weights, blocks, batch, clip } = state;
  const tape = new Tape();
  weights.bindGradients(tape);
  const attend: Attend = (on, { q_TH, k_TG, v_TG, layer, window }) => {
    const options = attentionOptions(settings, window);
    const { y_TH, lse_TH } = attention(on, q_TH, k_TG, v_TG, batch.documents_T, options);
    const inputs = { q_TH, k_TG, lse_TH, documents_T: batch.documents_T };
    on.section(sections.attention(layer), () =>
      attentionMap(on, inputs, state.attentionMap, options, blocks.attentionMap),
    );
    return y_TH;
  };
  const { hidden_TD, mixtures } = transformer(tape, settings.model, weights, {
    tokens_T: batch.tokens_T,
    tokenOrder: state.tokenOrder,
    positions: {
      table_PC: state.ropeTable_PC,
      sequenceLength: settings.data.contextLength,
      position: blocks.position,
    },
    attend,
    sequenceLength: settings.data.contextLength,
    state: {
      bias_LE: state.router.bias_LE,
      counts_LE: state.counts_LE,
      balanceLoss_LB: state.balanceLoss_LB,
      balance: blocks.balance,
    },
  });
  tape.section(sections.domains, () => {
    for (const [row, { dispatched }] of mixtures.entries()) {
      domainLoad(tape, dispatched, batch.domains_T, state.domainCounts, row);
    }
  });
  const loss = { targets_T: batch.targets_T, live: blocks.loss, losses: state.losses };
  crossEntropy(tape, hidden_TD, weights.at(headName), loss);
  tape.backward();
  gradientNorm(tape, { gradients: weights.flatGradients, clip }, blocks.gradientNorm);
  recordOptimizer(tape, state, isSketch);
  if (mixtures.length > 0) {
    loadBalance(tape, { counts_LE: state.counts_LE, ...state.router, clip }, blocks.loadBalance);
  }
  return tape;
}

function recordOptimizer(tape: Tape, { weights, blocks, clip }: RunState, isSketch: boolean): void {
  for (const { group, ...range } of weights.adamw) {
    adamw(tape, { ...range, clip }, blocks.adamw[group]);
  }
  for (const { group, rows, columns, count, ...range } of weights.muon) {
    const live = { rates: blocks.muon[group], coefficients: blocks.newtonSchulz };
    muon(tape, { ...range, clip }, { rows, columns, count, isSketch }, live);
  }
}

export interface Evaluation {
  readonly tape: Tape;
  /** [T, 4] of each token: largest logit, sum of exponentials, logit of the target, log-sum-exp. */
  readonly stats_T: Tensor;
}

export interface EvaluationInputs {
  readonly tokens_T: Tensor;
  readonly targets_T: Tensor;
  readonly documents_T: Tensor;
  /** [2]: mean cross-entropy and mean squared log-sum-exp. */
  readonly losses: Tensor;
  /** What the routers count, apart from the training step's own. */
  readonly counts_LE: Tensor;
  readonly balanceLoss_LB: Tensor;
}

/** A forward pass with its loss over sequences of `sequenceLength`: held-out text, needles. */
export function recordEvaluation(
  state: RunState,
  inputs: EvaluationInputs,
  sequenceLength: number,
): Evaluation {
  const { settings, weights, blocks } = state;
  const { tokens_T, targets_T, documents_T, losses, counts_LE, balanceLoss_LB } = inputs;
  const tape = new Tape();
  const { hidden_TD } = transformer(tape, settings.model, weights, {
    tokens_T,
    positions: { table_PC: state.ropeTable_PC, sequenceLength, position: blocks.position },
    attend: (on, { q_TH, k_TG, v_TG, window }) =>
      attention(
        on,
        q_TH,
        k_TG,
        v_TG,
        documents_T,
        attentionOptions(settings, window, sequenceLength),
      ).y_TH,
    sequenceLength,
    state: { bias_LE: state.router.bias_LE, counts_LE, balanceLoss_LB, balance: blocks.balance },
  });
  const stats_T = crossEntropy(tape, hidden_TD, weights.at(headName), {
    targets_T,
    live: blocks.loss,
    losses,
  });
  return { tape, stats_T: tape.keep(stats_T) };
}
