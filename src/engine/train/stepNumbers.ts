/** @file What a step reads back, and what it says once it is here. */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { lossAt } from '@/engine/ops/lossSum';
import type { KernelProfile } from './kernelWatch';
import type { RunState } from './state';

/** What a step reads back besides the scalars. */
export interface StepWishes {
  readonly bias?: boolean;
  readonly domains?: boolean;
  readonly attention?: { readonly layer: number; readonly head: number; readonly sequence: number };
  /** Its time by kernel. */
  readonly kernels?: boolean;
}

/** The numbers of one step, as the device left them. Expert arrays are [mixture layers, experts]. */
export interface StepNumbers {
  /** Batches whose gradients made the step. */
  readonly microBatches: number;
  /** Mean over valid targets of all micro-batches, nats. */
  readonly crossEntropy: number;
  /** Mean squared log-sum-exp, without its weight. */
  readonly squaredLse: number;
  /** Over all logits of the tokens with a valid target; left out where there is none. */
  readonly logits?: { readonly max: number; readonly mean: number };
  /**
   * Largest minus mean cross-entropy over the micro-batches, each by its own targets, nats; undefined where fewer
   * than two have any. Trinity, eq. 40.
   */
  readonly batchHet: number | undefined;
  /** Balance loss summed over layers and averaged over sequences, without its weight. */
  readonly sequenceBalance: number;
  /** The one over a whole micro-batch, summed over layers and averaged over micro-batches, without its weight. */
  readonly switchBalance: number;
  /**
   * Selection score of the last choice minus that of the best expert left, mean over tokens and layers; undefined
   * where every expert is chosen.
   */
  readonly margin: number | undefined;
  /** Share of the tokens of the step that found their expert full; undefined where none can be. */
  readonly overflow: number | undefined;
  readonly gradientNorm: number;
  readonly clipScale: number;
  /** A gradient was not finite: nothing was updated, now and in every later step. */
  readonly isHalted: boolean;
  /** Of all micro-batches together. */
  readonly counts: Uint32Array;
  /** L2 norms over all layers; of the momentum only where the balancer has one. */
  readonly biasNorm: number;
  readonly momentumNorm: number;
  readonly bias?: {
    readonly bias: Float32Array;
    readonly momentum: Float32Array;
    readonly update: Float32Array;
  };
  /** u32 [mixture layers, domains, experts], of all micro-batches together. */
  readonly domains?: Uint32Array;
  /** [side, side], of the last micro-batch. */
  readonly attention?: Float32Array;
  readonly kernels?: KernelProfile;
}

/** Bytes of one shipment with everything wished for. */
export function stepReadbackBytes(state: RunState): number {
  const attention = { layer: 0, head: 0, sequence: 0 };
  const everything = wishedTensors(state, { bias: true, domains: true, attention });
  return Object.values(everything).reduce((sum, tensor) => sum + tensor.bytes, 0);
}

export function wishedTensors(
  { settings, totals, clip, router, attentionMap }: RunState,
  { bias, domains, attention }: StepWishes,
) {
  return {
    losses: totals.losses,
    clip,
    statistics: totals.statistics_LB2,
    switches: totals.switch_L,
    ...(settings.model.overflow === 'keep' ? {} : { overflow: totals.overflow_L }),
    counts: totals.counts_LE,
    bias: router.bias_LE,
    momentum: router.momentum_LE,
    ...(bias ? { update: router.update_LE } : {}),
    ...(domains ? { domains: totals.domainCounts } : {}),
    ...(attention ? { attention: attentionMap } : {}),
  };
}

/** What `wishedTensors` named, on this side. */
export interface Arrived {
  readonly losses: Float32Array;
  readonly clip: Float32Array;
  readonly statistics: Float32Array;
  readonly switches: Float32Array;
  readonly overflow?: Uint32Array;
  readonly counts: Uint32Array;
  readonly bias: Float32Array;
  readonly momentum: Float32Array;
  readonly update?: Float32Array;
  readonly domains?: Uint32Array;
  readonly attention?: Float32Array;
}

/** @param microBatches of the step. */
export function numbersOf(arrived: Arrived, settings: Settings, microBatches: number): StepNumbers {
  const { losses, clip, counts, bias, momentum, update, domains, attention } = arrived;
  const hasMixtures = mixtureLayers(settings.model).length > 0;
  return {
    microBatches,
    crossEntropy: losses[lossAt.crossEntropy]!,
    squaredLse: losses[lossAt.squaredLse]!,
    ...logitsOf(losses),
    batchHet: batchHet(losses),
    ...(hasMixtures ? routingNumbers(arrived, settings, microBatches) : noRouting),
    gradientNorm: clip[0]!,
    clipScale: clip[1]!,
    isHalted: clip[2] !== 0,
    counts,
    biasNorm: norm(bias),
    momentumNorm: norm(momentum),
    ...(update ? { bias: { bias, momentum, update } } : {}),
    ...(domains ? { domains } : {}),
    ...(attention ? { attention } : {}),
  };
}

function logitsOf(losses: Float32Array): Pick<StepNumbers, 'logits'> {
  if (losses[lossAt.microBatchCount] === 0) return {};
  return { logits: { max: losses[lossAt.maxLogit]!, mean: losses[lossAt.meanLogit]! } };
}

const noRouting = { sequenceBalance: 0, switchBalance: 0, margin: undefined, overflow: undefined };

function routingNumbers(
  { statistics, switches, overflow }: Arrived,
  { data, model }: Settings,
  microBatches: number,
): Pick<StepNumbers, 'sequenceBalance' | 'switchBalance' | 'margin' | 'overflow'> {
  // Pairs of balance loss and margin, by layer and sequence.
  const sumOf = (part: 0 | 1) =>
    statistics.reduce((sum, value, i) => sum + (i % 2 === part ? value : 0), 0);
  const sequences = data.batchSequences * microBatches;
  const hasRest = model.expertsPerToken < model.expertCount;
  return {
    sequenceBalance: sumOf(0) / sequences,
    switchBalance: switches.reduce((sum, value) => sum + value, 0) / microBatches,
    margin: hasRest ? sumOf(1) / sequences / switches.length : undefined,
    overflow:
      overflow &&
      overflow.reduce((sum, tokens) => sum + tokens, 0) /
        (overflow.length * sequences * data.contextLength),
  };
}

function batchHet(losses: Float32Array): number | undefined {
  const count = losses[lossAt.microBatchCount]!;
  if (count < 2) return undefined;
  const mean = losses[lossAt.microBatchSum]! / count;
  // The mean of equal losses may round past the largest.
  return Math.max(0, losses[lossAt.microBatchLargest]! - mean);
}

const norm = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
