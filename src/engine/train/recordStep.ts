/**
 * @file Records what a run does on the device: start the weights, one micro-batch of a training step, the update
 * that ends the step, one evaluation. Each is a tape; the same recording gives the plan of a run that never starts.
 */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { planActivations } from '@/engine/gpu/planner';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { type Attend, attendedKeys } from '@/engine/model/attention';
import { outputName } from '@/engine/model/parameters';
import { type TransformerOutput, transformer } from '@/engine/model/transformer';
import { adamw } from '@/engine/ops/adamw';
import { addCounts } from '@/engine/ops/addCounts';
import { type Attention, attention } from '@/engine/ops/attention';
import { attentionMap } from '@/engine/ops/attentionMap';
import { columnSum } from '@/engine/ops/columnSum';
import { convert } from '@/engine/ops/convert';
import { crossEntropy } from '@/engine/ops/crossEntropy';
import { domainLoad } from '@/engine/ops/domainLoad';
import { gradientNorm } from '@/engine/ops/gradientNorm';
import { loadBalance } from '@/engine/ops/loadBalance';
import { muon } from '@/engine/ops/muon';
import { normal } from '@/engine/ops/normal';
import type { RoutingRecord } from '@/engine/ops/routingStatistics';
import { switchBalance } from '@/engine/ops/switchBalance';
import { bindGainSums } from './gainSums';
import type { RunState } from './state';

/** Optional parts of a training step: a view asks for them. */
export const sections = {
  domains: 'domains',
  attention: (layer: number) => `attention.${layer}`,
} as const;

/** Draws every matrix, a stream for each weight, numbered in checkpoint order; the host sets the gains. */
export function recordStart(state: RunState): Tape {
  const { settings, weights, blocks, sigma } = state;
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
  copyWeights(tape, state);
  return tape;
}

/** What products read in 16 bits, anew from the weights. */
export function recordCopies(state: RunState): Tape {
  const tape = new Tape();
  copyWeights(tape, state);
  return tape;
}

function copyWeights(tape: Tape, { weights }: RunState): void {
  for (const { master, copy } of weights.copied) convert(tape, master, copy);
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

/** The two halves of an optimizer step: the first runs once for each micro-batch, the second once at the end. */
export interface StepHalves<Half> {
  readonly microBatch: Half;
  readonly update: Half;
}

/**
 * Records a step and places its activations in the pool of `state`.
 * @param isSketch leaves out repetitions that take no further memory, for plans of huge models.
 * @throws {LimitError}
 */
export function recordStep(state: RunState, isSketch = false): StepHalves<Tape> {
  const microBatch = recordMicroBatch(state);
  planActivations(microBatch, state.pool);
  const update = recordUpdate(state, isSketch);
  planActivations(update, state.pool);
  return { microBatch, update };
}

/** Forward and backward: adds to the gradients and to the totals of the step, which were cleared before the first. */
function recordMicroBatch(state: RunState): Tape {
  const { weights, blocks, batch, totals } = state;
  const tape = new Tape(state.tuning);
  weights.bindGradients(tape);
  const addGainSums = bindGainSums(tape, weights, batch.tokens_T.length);
  const { hidden_TD, mixtures } = recordForward(tape, state);
  if (mixtures.length > 0) recordRouting(tape, state);
  tape.section(sections.domains, () => {
    for (const [row, { routed }] of mixtures.entries()) {
      domainLoad(tape, routed.dispatched, batch.domains_T, totals.domainCounts, row);
    }
  });
  crossEntropy(tape, hidden_TD, weights.at(outputName(state.settings.model)), {
    targets_T: batch.targets_T,
    live: blocks.loss,
    losses: totals.losses,
    add: 1,
  });
  tape.backward();
  addGainSums();
  return tape;
}

/** What the routers found out joins the totals of the step. */
function recordRouting(tape: Tape, { settings, routing, overflow, totals }: RunState): void {
  switchBalance(tape, routing, settings.data.contextLength);
  addCounts(tape, routing.counts_LE, totals.counts_LE);
  addUp(tape, routing.statistics_LB2, totals.statistics_LB2);
  addUp(tape, routing.switch_L, totals.switch_L);
  if (settings.model.overflow !== 'keep') {
    addCounts(tape, overflow.overflow_L, totals.overflow_L);
  }
}

/** total += x, of any shape. */
function addUp(tape: Tape, x: Tensor, total: Tensor): void {
  columnSum(tape, x.view([1, x.length]), { tensor: total.view([total.length]), add: 1 });
}

function recordForward(tape: Tape, state: RunState): TransformerOutput {
  const { settings, weights, blocks, batch } = state;
  const attend: Attend = (on, heads) => {
    const { q_TH, v_TG, gate_TH, layer, window } = heads;
    const k_TG = attendedKeys(on, heads, settings.model.normEps);
    const options = attentionOptions(settings, window);
    const gated = { ...options, gate_TH };
    const { y_TH, lse_TH } = attention(on, q_TH, k_TG, v_TG, batch.documents_T, gated);
    const inputs = { q_TH, k_TG, lse_TH, documents_T: batch.documents_T };
    on.section(sections.attention(layer), () =>
      attentionMap(on, inputs, state.attentionMap, options, blocks.attentionMap),
    );
    return y_TH;
  };
  return transformer(tape, settings.model, weights, {
    tokens_T: batch.tokens_T,
    tokenOrder: state.tokenOrder,
    isRecomputed: settings.run.activationCheckpointing,
    positions: {
      table_PC: state.ropeTable_PC,
      sequenceLength: settings.data.contextLength,
      position: blocks.position,
    },
    attend,
    sequenceLength: settings.data.contextLength,
    routing: {
      bias_LE: state.router.bias_LE,
      record: state.routing,
      live: blocks.router,
      overflow:
        settings.model.overflow === 'keep'
          ? undefined
          : { ...state.overflow, live: blocks.recycle },
    },
  });
}

/** Clip, optimizer, balancer: from the gradients and counts of all micro-batches. */
function recordUpdate(state: RunState, isSketch: boolean): Tape {
  const { settings, weights, blocks, clip, totals, router } = state;
  const tape = new Tape(state.tuning);
  gradientNorm(tape, { gradients: weights.flatGradients, clip }, blocks.gradientNorm);
  recordOptimizer(tape, state, isSketch);
  if (mixtureLayers(settings.model).length > 0) {
    loadBalance(tape, { counts_LE: totals.counts_LE, ...router, clip }, blocks.loadBalance);
  }
  copyWeights(tape, state);
  return tape;
}

/** Temporaries of Muon may take so much however little the micro-batch needs. */
const LEAST_MUON_BYTES = 64 * 2 ** 20;

function recordOptimizer(
  tape: Tape,
  { weights, blocks, clip, limits, pool }: RunState,
  isSketch: boolean,
): void {
  for (const { group, ...range } of weights.adamw) {
    adamw(tape, { ...range, clip }, blocks.adamw[group]);
  }
  const ranges = weights.muon.map(({ group, ...range }) => ({
    ...range,
    rates: blocks.muon[group],
  }));
  const { maxBindingBytes } = limits;
  // What the micro-batch needed is free now; half of it, since it lies in pieces of other sizes.
  const chunkBytes = Math.max(LEAST_MUON_BYTES, pool.bytes / 2);
  const coefficients = blocks.newtonSchulz;
  muon(tape, ranges, { clip, coefficients, chunkBytes, maxBindingBytes, isSketch });
}

export interface Evaluation extends TransformerOutput {
  readonly tape: Tape;
  /** [T, 4] of each token: largest logit, sum of exponentials, logit of the target, log-sum-exp. */
  readonly stats_T: Tensor;
}

export interface EvaluationInputs {
  readonly tokens_T: Tensor;
  readonly targets_T: Tensor;
  readonly documents_T: Tensor;
  /** As `lossSum` writes them. */
  readonly losses: Tensor;
  /** What the routers find out, apart from the training step's own. */
  readonly routing: RoutingRecord;
}

/** A forward pass with its loss over sequences of `sequenceLength`: held-out text, needles. */
export function recordEvaluation(
  state: RunState,
  inputs: EvaluationInputs,
  sequenceLength: number,
): Evaluation {
  const { settings, weights, blocks } = state;
  const { tokens_T, targets_T, documents_T, losses } = inputs;
  const tape = new Tape(state.tuning);
  const output = transformer(tape, settings.model, weights, {
    tokens_T,
    positions: { table_PC: state.ropeTable_PC, sequenceLength, position: blocks.position },
    attend: (on, heads) => {
      const k_TG = attendedKeys(on, heads, settings.model.normEps);
      const { gate_TH, window } = heads;
      const options = { ...attentionOptions(settings, window, sequenceLength), gate_TH };
      return attention(on, heads.q_TH, k_TG, heads.v_TG, documents_T, options).y_TH;
    },
    sequenceLength,
    routing: {
      bias_LE: state.router.bias_LE,
      record: inputs.routing,
      live: blocks.router,
      overflow: undefined,
    },
  });
  const stats_T = crossEntropy(tape, output.hidden_TD, weights.at(outputName(settings.model)), {
    targets_T,
    live: blocks.loss,
    losses,
  });
  return { ...output, tape, stats_T: tape.keep(stats_T) };
}
