/**
 * @file The trainer: implements `Commands` over a device and a source of data, and tells what happens. It knows
 * no page and no worker; Node and the browser use the same one.
 */
import { type Experiment, resolve } from '@/engine/config/experiment';
import { mixtureLayers } from '@/engine/config/layers';
import { domainIds } from '@/engine/data/domains';
import type { DataService, RunData } from '@/engine/data/service';
import { CheckpointError } from '@/engine/files/checkpointError';
import { type ReadCheckpoint, readCheckpoint } from '@/engine/files/readCheckpoint';
import { TRAINER_FILE } from '@/engine/files/trainerFile';
import type { MemoryLimits } from '@/engine/gpu/arena';
import { type OpenDevice, openDevice } from '@/engine/gpu/device';
import { LimitError, NoWebGpuError } from '@/engine/gpu/errors';
import { Tuner, type TuningStore } from '@/engine/tune/tuner';
import { planRun } from './assembly';
import { checkpointFiles } from './checkpointFiles';
import type { AdapterReport, CheckpointFiles, Commands, Plan, RunInfo, Watch } from './commands';
import { Phases } from './phases';
import type { Emit } from './probes';
import { NO_LIMITS, refusalOf } from './refusal';
import { Run } from './run';
import { Session } from './session';
import { isStabilityState } from './stability';

/** WebGPU where the host has it; undefined where it does not. */
export type GpuSource = () => GPU | undefined;

/** Where nothing opened yet, the limits that every WebGPU adapter grants. */
const DEFAULT_LIMITS: MemoryLimits = {
  maxBufferBytes: 256 * 2 ** 20,
  maxBindingBytes: 128 * 2 ** 20,
};

export class Trainer implements Commands {
  readonly #gpu: GpuSource;
  readonly #data: DataService;
  readonly #phases: Phases;
  readonly #emit: Emit;
  /** A plan takes up to a second for a published size, and is asked for again and again. */
  readonly #plans = new Map<string, Plan>();
  #report: AdapterReport | undefined;
  #idle: OpenDevice | undefined;
  #run: Run | undefined;
  #watch: Watch | undefined;
  readonly #tuner: Tuner;

  /** @param tunings where measured choices of kernels are kept; none: the fixed ones are taken. */
  constructor(gpu: GpuSource, data: DataService, emit: Emit, tunings?: TuningStore) {
    this.#tuner = new Tuner(tunings);
    this.#gpu = gpu;
    this.#data = data;
    this.#phases = new Phases(emit);
    this.#emit = this.#phases.emit;
  }

  async open(): Promise<AdapterReport> {
    if (this.#report) return this.#report;
    const open = await this.#openDevice();
    this.#idle = open;
    await this.#tuner.meet(open);
    this.#plans.clear(); // refusals and kernels depend on the adapter
    const { limits, features } = open.device;
    this.#report = {
      ...open.info,
      features: [...features].sort(),
      maxBufferBytes: limits.maxBufferSize,
      maxBindingBytes: limits.maxStorageBufferBindingSize,
    };
    return this.#report;
  }

  async plan(experiment: Experiment): Promise<Plan> {
    const key = JSON.stringify(resolve(experiment));
    const known = this.#plans.get(key);
    if (known) return known;
    const values = resolve(experiment);
    const plan = planRun(values, NO_LIMITS, domainIds.length, this.#tuner.tuning(values));
    const refusal = refusalOf(values, plan, this.#limits());
    const told = refusal ? { ...plan, refusal } : plan;
    this.#plans.set(key, told);
    return told;
  }

  async start(experiment: Experiment): Promise<RunInfo> {
    resolve(experiment);
    await this.#endRun();
    return this.#begin(experiment);
  }

  async save(): Promise<CheckpointFiles> {
    return checkpointFiles(await this.#active().save());
  }

  async load(files: CheckpointFiles): Promise<RunInfo> {
    const origin = readCheckpoint(files);
    if (origin.step > 0 && !isStabilityState(origin.stability, origin.step)) {
      throw new CheckpointError(`${TRAINER_FILE}: stability is not that of step ${origin.step}.`);
    }
    await this.#fittingPlan(origin.experiment);
    const data = await this.#withRunPaused(() => this.#openData(origin.experiment, origin));
    await this.#endRun();
    return this.#begin(origin.experiment, origin, data);
  }

  async play(): Promise<void> {
    this.#active().play();
  }

  async pause(): Promise<void> {
    await this.#run?.pause();
  }

  async step(): Promise<void> {
    await this.#active().singleStep();
  }

  async reset(): Promise<RunInfo> {
    const { experiment, parts } = this.#active();
    await this.#endRun();
    return this.#begin(experiment, parts.origin);
  }

  async rewind(): Promise<number> {
    return this.#active().rewind();
  }

  async change(...[path, value]: Parameters<Commands['change']>): ReturnType<Commands['change']> {
    return this.#active().change(path, value);
  }

  async watch(watch: Watch): Promise<void> {
    this.#watch = watch;
    this.#run?.watch(watch);
  }

  async generate(...[request]: Parameters<Commands['generate']>): ReturnType<Commands['generate']> {
    return this.#active().generate(request);
  }

  evaluate: Commands['evaluate'] = async () => this.#active().evaluate();

  probeNeedles: Commands['probeNeedles'] = async () => this.#active().probeNeedles();

  addText(...args: Parameters<Commands['addText']>): ReturnType<Commands['addText']> {
    return this.#data.addText(...args);
  }

  removeText(): Promise<void> {
    return this.#data.removeText();
  }

  /** Ends the run and gives the device back. */
  async close(): Promise<void> {
    await this.#endRun();
    this.#idle?.close();
    this.#idle = undefined;
  }

  #active(): Run {
    if (!this.#run) throw new Error('there is no run; start one first');
    return this.#run;
  }

  /**
   * Makes a run and stops before its first step. There is no other one.
   * @param origin what it starts from, where that is not nothing.
   * @param opened its data, where that is open already.
   * @throws {LimitError} and what the data throws
   */
  async #begin(
    experiment: Experiment,
    origin?: ReadCheckpoint,
    opened?: RunData,
  ): Promise<RunInfo> {
    const step = origin?.step ?? 0;
    const progress = { label: 'Reading the texts', done: 0, total: 1 };
    this.#emit('phase', { phase: 'preparing', step, progress });
    await this.#fittingPlan(experiment);
    const reopen = () => this.#session(experiment);
    // Texts are read while kernels compile.
    const [session, data] = await this.#both(
      reopen(),
      opened ?? this.#openData(experiment, origin),
    );
    const run = new Run({ experiment, data, origin, emit: this.#emit, reopen }, session);
    if (this.#watch) run.watch(this.#watch);
    await run.start();
    this.#run = run;
    const { model } = resolve(experiment);
    return {
      // Of the kernels that it takes: they may have been chosen only now.
      plan: await this.plan(experiment),
      experiment,
      mixtureLayers: mixtureLayers(model),
      expertCount: model.expertCount,
      domains: data.domains,
      startStep: step,
      isImported: origin?.isImported ?? false,
    };
  }

  /** Waits for both, and gives the device back where there are no data. */
  async #both(session: Promise<Session>, data: RunData | Promise<RunData>) {
    const [made, read] = await Promise.allSettled([session, data]);
    if (made.status === 'rejected') throw made.reason;
    if (read.status === 'fulfilled') return [made.value, read.value] as const;
    this.#phases.forget();
    made.value.destroy();
    this.#idle = made.value.open;
    throw read.reason;
  }

  /** @throws {CheckpointError} where the data of the checkpoint are not those that are here. */
  async #openData(experiment: Experiment, origin?: ReadCheckpoint): Promise<RunData> {
    try {
      return await this.#data.openRun(resolve(experiment), origin?.cursor);
    } catch (error) {
      // By name: it may come from another thread.
      if (!(error instanceof Error) || error.name !== 'CursorError') throw error;
      throw new CheckpointError(`${TRAINER_FILE}: ${error.message}.`);
    }
  }

  /** Stops the run for something that takes its data away; lets it go on where that fails. */
  async #withRunPaused<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#run;
    const wasTraining = run?.standing.phase === 'training';
    await run?.pause();
    try {
      return await work();
    } catch (error) {
      if (wasTraining) run.play();
      throw error;
    }
  }

  async #fittingPlan(experiment: Experiment): Promise<Plan> {
    const plan = await this.plan(experiment);
    if (!plan.refusal) return plan;
    const { maxBufferBytes } = this.#limits();
    throw new LimitError('memory', plan.bytes.total, maxBufferBytes, plan.refusal.message);
  }

  async #endRun(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#phases.forget();
    if (!run) return;
    const open = await run.end();
    // Its compiled kernels serve the next run, unless something is wrong with it.
    if (open.isSpent) open.close();
    else this.#idle = open;
  }

  /** @throws {NoWebGpuError, NoAdapterError, LimitError} */
  async #openDevice(): Promise<OpenDevice> {
    const gpu = this.#gpu();
    if (!gpu) throw new NoWebGpuError('This browser has no WebGPU.');
    return openDevice(gpu);
  }

  async #session(experiment: Experiment): Promise<Session> {
    const open = this.#idle ?? (await this.#openDevice());
    this.#idle = undefined;
    const tell = this.#phases.preparation(
      () => this.#run?.standing ?? { phase: 'preparing', step: 0 },
    );
    const progress = (label: string) => (done: number, total: number) =>
      tell({ label, done, total });
    const values = resolve(experiment);
    try {
      if (await this.#tuner.learn(open, values, progress('Choosing kernels'))) this.#plans.clear();
      const tuning = this.#tuner.tuning(values);
      const compiling = progress('Compiling kernels');
      const session = await Session.begin(open, values, domainIds.length, compiling, { tuning });
      const over = () => tell(undefined);
      session.compiled.then(over, over);
      return session;
    } catch (error) {
      this.#phases.forget();
      open.close();
      throw error;
    }
  }

  #limits(): MemoryLimits {
    if (!this.#report) return DEFAULT_LIMITS;
    return {
      maxBufferBytes: this.#report.maxBufferBytes,
      maxBindingBytes: this.#report.maxBindingBytes,
    };
  }
}
