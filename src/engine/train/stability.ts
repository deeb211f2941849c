/**
 * @file How steady a run is, from the losses and gradient norms of its last steps. Knows no device; its state is plain
 * JSON, so that a run that goes on from a checkpoint tells the same figures as one that never stopped.
 */
import type { MetricValues } from '@/engine/config/metrics';

/** Everything that the figures of later steps depend on. */
export interface StabilityState {
  /** Finished steps. */
  readonly step: number;
  /** Cross-entropy of the last steps, nats, oldest first; one more than the window, for its first change. */
  readonly crossEntropies: readonly number[];
  /** Norm before clipping of the same steps. */
  readonly gradientNorms: readonly number[];
  /** Spikes so far. */
  readonly spikes: number;
}

interface StepRecord {
  /** Counts from 1. */
  readonly step: number;
  readonly crossEntropy: number;
  readonly gradientNorm: number;
  /** Spikes up to this step. */
  readonly spikes: number;
}

/** Steps that variance and kurtosis look back on. */
const WINDOW = 200;
/** Steps after the one asked for that may have arrived before somebody asks for its state. */
const SLACK = 16;
/** With three values or fewer the kurtosis is the same whatever they are. */
const LEAST_FOR_KURTOSIS = 4;

/**
 * A spike, by a rule of our own: a loss over the median of the 50 steps before it by more than six of their
 * deviations. The deviation is the median absolute one, scaled to that of a normal distribution (Iglewicz & Hoaglin
 * 1993), so that spikes do not hide those after them; never taken as less than a hundredth of the median, so that a
 * loss at rest has none. Six and not their 3.5, since thousands of steps are put to the test.
 */
const SPIKE_WINDOW = 50;
const SPIKE_DEVIATIONS = 6;
const NORMAL_DEVIATION = 1.4826;
const LEAST_DEVIATION = 0.01;

export class Stability {
  readonly #records: StepRecord[] = [];
  /** Where it began or was restored to. */
  #start = 0;
  #spikesAtStart = 0;

  /** Takes in the step after the last one. */
  add(crossEntropy: number, gradientNorm: number): void {
    const before = this.#records.slice(-SPIKE_WINDOW).map((record) => record.crossEntropy);
    const spikes = this.#spikes + Number(isSpike(crossEntropy, before));
    this.#records.push({ step: this.#step + 1, crossEntropy, gradientNorm, spikes });
    if (this.#records.length > WINDOW + 1 + SLACK) this.#records.shift();
  }

  /** The figures after the last step; each from the step on where it means something. */
  get values(): MetricValues {
    const recent = this.#records.slice(-WINDOW - 1);
    const variance = changeVariance(recent.map(({ crossEntropy }) => crossEntropy));
    const tail = kurtosis(recent.slice(-WINDOW).map(({ gradientNorm }) => gradientNorm));
    return {
      ...(variance === undefined ? {} : { 'train.lossVariance': variance }),
      ...(tail === undefined ? {} : { 'train.gradientKurtosis': tail }),
      ...(recent.length > SPIKE_WINDOW ? { 'train.spikes': this.#spikes } : {}),
    };
  }

  /**
   * What to go on from after `step` finished steps: the last one, or one shortly before it.
   * @throws {Error} where that step has not arrived, or too long ago.
   */
  state(step: number): StabilityState {
    const records = this.#records.filter((record) => record.step <= step).slice(-WINDOW - 1);
    const last = records.at(-1);
    if ((last?.step ?? this.#start) !== step || this.#step - step > SLACK) {
      throw new Error(`stability: step ${step} is not among the last, up to ${this.#step}`);
    }
    return {
      step,
      crossEntropies: records.map(({ crossEntropy }) => crossEntropy),
      gradientNorms: records.map(({ gradientNorm }) => gradientNorm),
      spikes: last?.spikes ?? this.#spikesAtStart,
    };
  }

  /** Goes on from a state; without one from step 0 and nothing. */
  restore(state: StabilityState = { step: 0, crossEntropies: [], gradientNorms: [], spikes: 0 }) {
    const { step, crossEntropies, gradientNorms, spikes } = state;
    this.#start = step;
    this.#spikesAtStart = spikes;
    const first = step - crossEntropies.length + 1;
    const records = crossEntropies.map((crossEntropy, i) => ({
      step: first + i,
      crossEntropy,
      gradientNorm: gradientNorms[i]!,
      spikes,
    }));
    this.#records.splice(0, this.#records.length, ...records);
  }

  get #step(): number {
    return this.#records.at(-1)?.step ?? this.#start;
  }

  get #spikes(): number {
    return this.#records.at(-1)?.spikes ?? this.#spikesAtStart;
  }
}

/** Whether `value` is the state of a run that stands at `step`: it may come from a file. */
export function isStabilityState(value: unknown, step: number): value is StabilityState {
  const { crossEntropies, gradientNorms, spikes, ...state } = (value ?? {}) as StabilityState;
  const isNumbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every(Number.isFinite);
  return (
    state.step === step &&
    isNumbers(crossEntropies) &&
    isNumbers(gradientNorms) &&
    crossEntropies.length === gradientNorms.length &&
    crossEntropies.length <= Math.min(step, WINDOW + 1) &&
    Number.isInteger(spikes) &&
    spikes >= 0
  );
}

/** Mean squared change from value to value, halved: the variance of independent noise around a slow trend. */
export function changeVariance(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const changes = values.slice(1).map((value, i) => (value - values[i]!) ** 2);
  return mean(changes) / 2;
}

/** Pearson's: fourth central moment over the square of the second. Trinity, 3.2, does not say which it took. */
export function kurtosis(values: readonly number[]): number | undefined {
  if (values.length < LEAST_FOR_KURTOSIS) return undefined;
  const centre = mean(values);
  const second = mean(values.map((value) => (value - centre) ** 2));
  const fourth = mean(values.map((value) => (value - centre) ** 4));
  const result = fourth / second ** 2;
  return Number.isFinite(result) ? result : undefined; // equal values have none
}

/** @param before values of the steps before, any order; as long as there are too few, nothing is a spike. */
export function isSpike(value: number, before: readonly number[]): boolean {
  if (before.length < SPIKE_WINDOW) return false;
  const centre = median(before);
  const spread = NORMAL_DEVIATION * median(before.map((other) => Math.abs(other - centre)));
  const deviation = Math.max(spread, LEAST_DEVIATION * Math.abs(centre));
  return value > centre + SPIKE_DEVIATIONS * deviation;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}
