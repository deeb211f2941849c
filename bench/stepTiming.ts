/** @file Measures one whole-step case: time, encoding, kernels, dispatches, submits, memory. */
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import type { Tuning } from '@/engine/gpu/tuning';
import { flopsPerToken } from '@/engine/model/cost';
import { planRun } from '@/engine/train/assembly';
import type { Plan } from '@/engine/train/commands';
import { recordStep } from '@/engine/train/recordStep';
import { RunState } from '@/engine/train/state';
import type { StepCase } from './cases/steps';
import { generator } from './peers/problem.mjs';
import { shares } from './routing';
import { type Summary, summary } from './statistics';
import {
  DOMAINS,
  type ProcessorClock,
  randomBatch,
  type StepParts,
  StepRun,
  type StepTime,
  type TimedUse,
} from './stepRun';

export interface StepResult {
  readonly name: string;
  readonly sweep?: StepCase['sweep'];
  /** Name of the case that it is set against. */
  readonly beside?: StepCase['beside'];
  readonly tokens: number;
  /** Wall time of a step from its call to the end of the queue, ms: of each round, and summed up. */
  readonly rounds: readonly number[];
  readonly ms: Summary;
  /** Of each round on a software adapter: what else the machine does hardly changes it. Where the host can tell. */
  readonly processorRounds?: readonly number[];
  /** Of it, until everything is encoded and submitted, ms. */
  readonly encodeMs: Summary;
  /** Forward and backward, and update, each submitted alone, ms. */
  readonly parts: { readonly microBatch: Summary; readonly update: Summary };
  /** Operations of forward and backward, a multiply-add counted as two. */
  readonly flops: number;
  readonly dispatches: { readonly step: number; readonly layer: number };
  readonly submits: number;
  /** Of activations, and of the whole run with its probes, as planned. */
  readonly bytes: Plan['bytes'];
  /** Rows of the busiest expert over the mean; undefined without experts. */
  readonly busiest: number | undefined;
  /** Device time by kernel; undefined without timestamps. */
  readonly split: readonly TimedUse[] | undefined;
}

/** Steps that bring the routers' biases to a wanted load. */
const SKEW_STEPS = { full: 16, quick: 4 };
/** Share of the distance in logarithms that a bias moves: scores spread over about a tenth. */
const SKEW_RATE = 0.06;

/**
 * One case on the device, measured a round at a time: cases that are to be compared take turns, so that a machine
 * that grows busy slows all of them.
 */
export class StepMeasurement {
  readonly #times: StepTime[] = [];
  readonly #parts: StepParts[] = [];

  private constructor(
    readonly open: OpenDevice,
    readonly one: StepCase,
    readonly run: StepRun,
    readonly batch: Batch,
    readonly counts: Uint32Array,
    readonly processor: ProcessorClock | undefined,
  ) {}

  /** @param clock of the processor: read only where it does the adapter's work. */
  static async start(
    open: OpenDevice,
    one: StepCase,
    isQuick: boolean,
    clock?: ProcessorClock,
  ): Promise<StepMeasurement> {
    const processor = open.info.isSoftware ? clock : undefined;
    const run = await StepRun.create(open, one.settings);
    const batch = randomBatch(one.settings, generator(3));
    if (one.load === 'zipf') await skew(run, batch, isQuick ? SKEW_STEPS.quick : SKEW_STEPS.full);
    // Warms what the first step of a device warms.
    const { numbers } = await run.step(batch);
    return new StepMeasurement(open, one, run, batch, numbers.counts, processor);
  }

  async round(): Promise<void> {
    this.#times.push(await this.run.step(this.batch, {}, this.processor));
    this.#parts.push(await this.run.parts(this.batch));
  }

  async result(): Promise<StepResult> {
    const { open, run, batch } = this;
    const { name, settings, sweep, beside } = this.one;
    const tokens = settings.data.batchSequences * settings.data.contextLength;
    return {
      name,
      ...(sweep && { sweep }),
      ...(beside && { beside }),
      tokens,
      rounds: this.#times.map(({ ms }) => ms),
      ms: summary(this.#times.map(({ ms }) => ms)),
      ...(this.processor
        ? { processorRounds: this.#times.map(({ processorMs }) => processorMs!) }
        : {}),
      encodeMs: summary(this.#times.map(({ encodeMs }) => encodeMs)),
      parts: {
        microBatch: summary(this.#parts.map(({ microBatch }) => microBatch)),
        update: summary(this.#parts.map(({ update }) => update)),
      },
      flops: tokens * flopsPerToken(settings).training,
      dispatches: dispatchCounts(settings, open.device, run.state.tuning),
      submits: run.stepper.lastSubmits,
      bytes: planRun(settings, memoryLimits(open.device), DOMAINS, run.state.tuning).bytes,
      busiest: busiest(this.counts, settings),
      split: await run.split(batch),
    };
  }

  destroy(): void {
    this.run.destroy();
  }
}

/** Measures cases of one group in turns; who begins moves on from round to round. */
export async function inTurns(
  measurements: readonly StepMeasurement[],
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < measurements.length; i++) {
      await measurements[(i + round) % measurements.length]!.round();
    }
  }
}

/** Moves the selection biases of every router until the experts' load is like 1, 1/2, 1/3, …. */
async function skew(run: StepRun, batch: Batch, steps: number): Promise<void> {
  const E = run.settings.model.expertCount;
  const wanted = shares('zipf', E);
  const bias = new Float32Array(run.state.router.bias_LE.length);
  for (let step = 0; step < steps; step++) {
    const { counts } = (await run.step(batch)).numbers;
    const rows = batch.tokens.length * run.settings.model.expertsPerToken;
    for (const [i, count] of counts.entries()) {
      // Half a row stands for none, whose logarithm has no end.
      bias[i]! += SKEW_RATE * Math.log((wanted[i % E]! * rows) / Math.max(0.5, count));
    }
    run.setBias(bias);
  }
}

/** Dispatches of a step, and of forward and backward of one more layer of the last kind. */
function dispatchCounts(
  settings: Settings,
  device: GPUDevice,
  tuning: Tuning,
): StepResult['dispatches'] {
  const limits = memoryLimits(device);
  const count = (model: Settings['model']) => {
    const { contextLength } = settings.data;
    const state = new RunState({ ...settings, model }, limits, contextLength, DOMAINS, tuning);
    const { microBatch, update } = recordStep(state);
    const always = microBatch.dispatches.filter(({ section }) => section === undefined).length;
    return { always, step: always + update.dispatches.length };
  };
  const { model } = settings;
  const isDense = model.denseLayerCount === model.layerCount;
  const here = count(model);
  const deeper = count({
    ...model,
    layerCount: model.layerCount + 1,
    denseLayerCount: model.denseLayerCount + Number(isDense),
  });
  return { step: here.step, layer: deeper.always - here.always };
}

function busiest(counts: Uint32Array, { model }: Settings): number | undefined {
  if (model.denseLayerCount === model.layerCount) return undefined;
  const total = counts.reduce((a, b) => a + b, 0);
  return Math.max(...counts) / (total / counts.length);
}
