/** @file Takes a trainer to an exact step, and keeps what it told last. */
import {
  type CheckpointFiles,
  createDataService,
  type Events,
  type Experiment,
  type Failure,
  type MetricValues,
  type NeedleGrid,
  type RunInfo,
  Trainer,
  type TuningStore,
} from '@/engine/index';
import type { Host } from './host';

/** Is told everything that the trainer tells. */
export type Listener = <K extends keyof Events>(event: K, data: Events[K]) => void;

/** More steps than a trainer ever submits ahead of their numbers; the last ones are taken one by one. */
const RUN_AHEAD = 8;

export class Driver {
  readonly trainer: Trainer;
  /** Steps finished. */
  step = 0;
  /** The newest value of every metric so far. */
  values: MetricValues = {};
  /** The newest grid with every cell measured. */
  grid: NeedleGrid | undefined;
  failure: Failure | undefined;
  readonly #listener: Listener;
  readonly #interrupted: AbortSignal;
  #wake: () => void = () => {};

  /**
   * @param gpu WebGPU of this process
   * @param tunings where choices of kernels are kept; none: the fixed ones are taken
   */
  constructor(
    gpu: GPU,
    { readCorpus, interrupted }: Host,
    tunings: TuningStore | undefined,
    listener: Listener,
  ) {
    this.#listener = listener;
    this.#interrupted = interrupted;
    this.trainer = new Trainer(
      () => gpu,
      createDataService(readCorpus),
      (event, data) => this.#told(event, data),
      tunings,
    );
    interrupted.addEventListener('abort', () => this.#wake());
  }

  /** Whether nothing more is to be begun. */
  get isOver(): boolean {
    return this.failure !== undefined || this.#interrupted.aborted;
  }

  /** Prepares a run and stands at step 0. */
  start(experiment: Experiment): Promise<RunInfo> {
    return this.trainer.start(experiment);
  }

  /** Prepares the run of a checkpoint and stands at its step. */
  async load(files: CheckpointFiles): Promise<RunInfo> {
    const info = await this.trainer.load(files);
    this.step = info.startStep;
    return info;
  }

  /** Trains until exactly `target` steps are finished, a failure, or an interruption. */
  async trainTo(target: number): Promise<void> {
    if (this.isOver) return;
    if (target - this.step > RUN_AHEAD) {
      await this.trainer.play();
      await this.#until(() => this.step >= target - RUN_AHEAD);
      // An interruption waits for no needle grid that is under way; closing drops it.
      if (this.isOver) return;
      await this.trainer.pause();
    }
    while (!this.isOver && this.step < target) await this.trainer.step();
  }

  /** The run as it stands, at a step that is finished and told. */
  async save(): Promise<CheckpointFiles> {
    await this.trainer.pause();
    return this.trainer.save();
  }

  /** Waits for what the last step set off: held-out text and a sample, but no needle grid. */
  async settle(): Promise<void> {
    if (this.isOver) return;
    // Texts take turns and a device works in order, so the shortest text of all arrives behind them.
    const last = { prompt: ' ', length: 1, temperature: 0, seed: 0 };
    // Refused where the device was lost meanwhile: then there is nothing left to wait for.
    await this.trainer.generate(last).catch(() => {});
  }

  /** Measures a needle grid with the weights of now, unless the last one was. */
  async measureNeedles(): Promise<void> {
    while (this.grid?.firstStep !== this.step && !this.isOver) {
      const older = this.grid;
      // Begins none while an older one is under way: then that one completes first.
      await this.trainer.probeNeedles();
      await this.#until(() => this.grid !== older);
    }
  }

  /** Resolves when `holds` or when it is over, looking after every event. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #told<K extends keyof Events>(event: K, data: Events[K]): void {
    this.#keep({ [event]: data });
    this.#listener(event, data);
    this.#wake();
  }

  #keep({ metrics, needles, recovered, failed }: Partial<Events>): void {
    if (metrics) {
      this.values = { ...this.values, ...metrics.values };
      if (metrics.values['train.loss'] !== undefined) this.step = metrics.step;
    }
    if (needles?.isComplete) this.grid = needles;
    if (recovered) this.step = recovered.resumedAt;
    if (failed) this.failure = failed;
  }
}
