/**
 * @file A training step of any settings, alone: no data worker, no probes, no events. What it records is the
 * engine's own step, so its time is that of a run.
 */
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import { Program } from '@/engine/gpu/program';
import type { Tape } from '@/engine/gpu/tape';
import { type Tuning, tunedBy } from '@/engine/gpu/tuning';
import type { KernelUse } from '@/engine/train/commands';
import { recordStep, type StepHalves } from '@/engine/train/recordStep';
import { RunState } from '@/engine/train/state';
import type { StepNumbers, StepWishes } from '@/engine/train/stepNumbers';
import { Stepper } from '@/engine/train/stepper';
import { stepQuestions } from '@/engine/tune/stepQuestions';
import { tableOf } from './tuning';

/** Domains only label tokens; the bench has one. */
export const DOMAINS = 1;

export interface StepTime {
  /** Wall time from the call to the end of the device's work, ms. */
  readonly ms: number;
  /** Of it, until the step was encoded and submitted, ms. */
  readonly encodeMs: number;
  /** Processor time of all threads, ms, where the host can tell. */
  readonly processorMs: number | undefined;
}

/** Processor time of this process so far, all threads together, ms. */
export type ProcessorClock = () => number;

/** Wall time of the two halves of a step, each submitted alone, ms. */
export interface StepParts {
  readonly microBatch: number;
  readonly update: number;
}

/** A kernel's part of a step, with its time. */
export interface TimedUse extends KernelUse {
  readonly ms: number;
}

export class StepRun {
  #step = 0;

  private constructor(
    readonly open: OpenDevice,
    readonly state: RunState,
    readonly stepper: Stepper,
  ) {}

  /** Tunes for the device first, as a run does. */
  static async create(open: OpenDevice, settings: Settings): Promise<StepRun> {
    const { device } = open;
    const questions = stepQuestions(settings, memoryLimits(device));
    const tuning = tunedBy(await tableOf(open, questions));
    const { state, tapes } = recorded(settings, device, tuning);
    state.materialise(device);
    const build = (tape: Tape) => Program.build(device, tape, state.live);
    const programs = {
      microBatch: await build(tapes.microBatch),
      update: await build(tapes.update),
    };
    const run = new StepRun(open, state, new Stepper(open, state, programs));
    await run.stepper.start(settings.run.seed);
    await open.idle();
    return run;
  }

  get settings(): Settings {
    return this.state.settings;
  }

  /** Trains on `batch` and waits. */
  async step(
    batch: Batch,
    wishes: StepWishes = {},
    processor?: ProcessorClock,
  ): Promise<StepTime & { readonly numbers: StepNumbers }> {
    const start = performance.now();
    const processorStart = processor?.();
    const inputs = { step: this.#step++, batches: [batch], settings: this.settings };
    const arrival = this.stepper.step(inputs, wishes, 1);
    const encodeMs = performance.now() - start;
    const numbers = await arrival;
    await this.open.idle();
    const processorMs = processor && processor() - processorStart!;
    return { ms: performance.now() - start, encodeMs, processorMs, numbers };
  }

  async parts(batch: Batch): Promise<StepParts> {
    const { microBatch, update } = this.stepper.programs;
    this.stepper.setLive({ step: this.#step, batches: [batch], settings: this.settings });
    this.stepper.write(batch);
    await this.open.idle();
    const before = (encoder: GPUCommandEncoder) => this.state.clearStep(encoder);
    return {
      microBatch: await this.#alone(() => microBatch.run({ before })),
      update: await this.#alone(() => update.run()),
    };
  }

  /** Gives every router these selection biases, [L, E]. */
  setBias(bias: Float32Array): void {
    const { buffer, offset } = this.state.router.bias_LE;
    this.open.device.queue.writeBuffer(buffer, offset, bias as Float32Array<ArrayBuffer>);
  }

  async #alone(submit: () => void): Promise<number> {
    const start = performance.now();
    submit();
    await this.open.idle();
    return performance.now() - start;
  }

  /** Device time of one more step by kernel, longest first; undefined where the adapter has no timestamps. */
  async split(batch: Batch): Promise<readonly TimedUse[] | undefined> {
    const { kernels } = (await this.step(batch, { kernels: true })).numbers;
    const uses = kernels!.uses.filter((use): use is TimedUse => use.ms !== undefined);
    return uses.length > 0 ? uses.sort((a, b) => b.ms - a.ms) : undefined;
  }

  destroy(): void {
    this.stepper.destroy();
    this.state.destroy();
  }
}

/** A step of `settings` with its memory planned; needs the device for its limits only. */
function recorded(
  settings: Settings,
  device: GPUDevice,
  tuning: Tuning,
): { state: RunState; tapes: StepHalves<Tape> } {
  const { contextLength } = settings.data;
  const state = new RunState(settings, memoryLimits(device), contextLength, DOMAINS, tuning);
  return { state, tapes: recordStep(state) };
}

/** Random tokens, one document a sequence: what a token is does not change what a step costs. */
export function randomBatch({ model, data }: Settings, random: () => number): Batch {
  const T = data.batchSequences * data.contextLength;
  const tokens = () =>
    Uint32Array.from({ length: T }, () => Math.floor(random() * model.vocabSize));
  return {
    tokens: tokens(),
    targets: tokens(),
    documents: new Uint32Array(T),
    domains: new Uint32Array(T),
  };
}
