/**
 * @file One experiment in motion: submits steps a little ahead of their numbers, fits probes in between, keeps a
 * checkpoint in memory, and comes back from a lost device. `Trainer` makes it and hands the commands on.
 */
import type { Experiment, LiveChange } from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import type { SettingPath, Settings } from '@/engine/config/settings';
import type { RunData } from '@/engine/data/service';
import type { OpenDevice } from '@/engine/gpu/device';
import { restoreCheckpoint } from './checkpoint';
import { CheckpointKeeper } from './checkpointKeeper';
import type { Failure, GenerateRequest, RunPhase, Sample, Watch } from './commands';
import { failureOf, lossOf, notFiniteFailure } from './faults';
import { LiveSettings } from './liveSettings';
import { guessedStepTime, Pace, Wishes } from './pacing';
import { type Emit, Probes } from './probes';
import type { Session } from './session';
import { Stability } from './stability';
import { StepFeed } from './stepFeed';
import type { StepNumbers, StepWishes } from './stepNumbers';
import { STEPS_IN_FLIGHT, type StepInputs } from './stepper';
import { reportStep } from './stepReport';

export interface RunParts {
  readonly experiment: Experiment;
  readonly data: RunData;
  readonly emit: Emit;
  /** Opens the device anew and makes the same session on it. */
  readonly reopen: () => Promise<Session>;
}

export class Run {
  readonly #parts: RunParts;
  readonly #live: LiveSettings;
  readonly #probes: Probes;
  readonly #keeper: CheckpointKeeper;
  readonly #pace = new Pace();
  readonly #wishes = new Wishes();
  readonly #inFlight: Promise<void>[] = [];
  readonly #feed: StepFeed;
  readonly #stability = new Stability();
  #session: Session;
  #startCursor: unknown;
  #phase: RunPhase = 'paused';
  #submitted = 0;
  #finished = 0;
  /** Single steps asked for: each gets the arrival of its own step. */
  readonly #waiting: ((arrival?: Promise<void>) => void)[] = [];
  #submitting: Promise<void> | undefined;
  readonly #guess: number;
  #loop: Promise<void> | undefined;
  #failure: Failure | undefined;
  #isEnded = false;

  constructor(parts: RunParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
    this.#live = new LiveSettings(parts.experiment, (...args) => this.#changed(...args));
    this.#probes = new Probes(session, parts.data.heldOut, parts.emit);
    this.#keeper = new CheckpointKeeper(parts.data.training);
    this.#feed = new StepFeed(parts.data.training);
    this.#guess = guessedStepTime(session);
  }

  get experiment(): Experiment {
    return this.#live.experiment;
  }

  /** Draws the weights, stands at step 0 and says so. */
  async start(): Promise<void> {
    this.#startCursor = await this.#parts.data.training.cursor();
    await this.#session.stepper.start(this.#settings.run.seed);
    const values = { 'train.step': 0, 'memory.deviceBytes': this.#session.deviceBytes };
    this.#parts.emit('metrics', { step: 0, values });
    this.#tell('paused');
  }

  play(): void {
    if (this.#failure || this.#isEnded) return;
    this.#pace.restart();
    this.#tell('training');
    this.#wake();
  }

  /** Resolves when the steps on their way have arrived. Probes under way go on. */
  async pause(): Promise<void> {
    if (this.#phase !== 'training') return;
    this.#phase = 'paused';
    await Promise.allSettled([this.#submitting, ...this.#inFlight]);
    await Promise.allSettled(this.#inFlight);
    if (this.#phase === 'paused') this.#tell('paused');
  }

  /** Resolves when the step has arrived. */
  async singleStep(): Promise<void> {
    if (this.#failure || this.#phase === 'training') return;
    const arrived = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#pace.restart();
    this.#wake();
    await arrived.catch(() => {}); // the loop hears of it too and tells
    if (this.#phase === 'paused') this.#tell('paused');
  }

  /** @throws {ConfigError} */
  change(path: SettingPath, to: Value): LiveChange {
    return this.#live.change(this.#submitted, path, to);
  }

  watch(watch: Watch): void {
    this.#wishes.watch = watch;
  }

  generate(request: GenerateRequest): Promise<Sample> {
    const sample = this.#probes.generate(request, this.#finished);
    this.#wake();
    return sample;
  }

  probeNeedles(): void {
    this.#probes.startNeedles(this.#submitted, this.#settings);
    this.#wake();
  }

  /** Goes back to the checkpoint in memory, or to step 0, and drops the changes made since; returns its step. */
  async rewind(): Promise<number> {
    this.#phase = 'paused';
    this.#probes.restart(this.#session);
    await this.#settled();
    await this.#restore();
    this.#live.forget(this.#finished);
    this.#failure = undefined;
    this.#tell('paused');
    return this.#finished;
  }

  /** Stops and frees everything on the device; returns it. */
  async end(): Promise<OpenDevice> {
    this.#isEnded = true;
    this.#phase = 'paused';
    this.#probes.restart(this.#session);
    await this.#settled();
    this.#session.destroy();
    return this.#session.open;
  }

  get #settings(): Settings {
    return this.#live.values;
  }

  get #isStepping(): boolean {
    return this.#phase === 'training' || this.#waiting.length > 0;
  }

  #tell(phase: RunPhase): void {
    this.#phase = phase;
    this.#parts.emit('phase', { phase, step: this.#finished });
  }

  #changed(change: LiveChange, before: Settings, after: Settings, isNew: boolean): void {
    const isSwitchedOn = before.balance.kind !== 'smebu' && after.balance.kind === 'smebu';
    if (isSwitchedOn) this.#session.stepper.clearBiasMomentum();
    if (isNew) this.#parts.emit('changed', change);
  }

  get #hasWork(): boolean {
    return !this.#failure && (this.#isStepping || this.#probes.isBusy);
  }

  #wake(): void {
    this.#loop ??= this.#work().finally(() => {
      this.#loop = undefined;
      // Work may have come while the last numbers were awaited, or after a lost device.
      if (this.#hasWork) this.#wake();
    });
  }

  /** Waits until the loop has ended: nothing left to submit, all numbers arrived. */
  async #settled(): Promise<void> {
    while (this.#loop) await this.#loop;
  }

  async #work(): Promise<void> {
    try {
      while (this.#hasWork) {
        if (!this.#isStepping) {
          await this.#probes.advance(this.#submitted);
          continue;
        }
        if (this.#inFlight.length >= STEPS_IN_FLIGHT) {
          await this.#inFlight[0];
          continue; // a pause or a failure may have come meanwhile
        }
        this.#submitting = this.#submit();
        await this.#submitting;
        // Not awaited: training goes on meanwhile. What fails here fails the next step as well.
        void this.#probes.advance(this.#submitted).catch(() => {});
      }
      await Promise.all(this.#inFlight);
    } catch (error) {
      await this.#broken(error);
    }
  }

  async #submit(): Promise<void> {
    const step = this.#submitted;
    const inputs = await this.#feed.next(step, this.#settings.schedule, () => {
      this.#live.applyDue(step);
      return this.#settings;
    });
    const wishes = this.#wishes.at(performance.now());
    const pieces = this.#pace.pieces(this.#guess * inputs.batches.length);
    const numbers = this.#session.stepper.step(inputs, wishes, pieces);
    this.#submitted++;
    const arrival = numbers.then((result) => this.#arrived(inputs, result, wishes));
    this.#inFlight.push(arrival);
    this.#waiting.shift()?.(arrival);
    const leave = () => this.#inFlight.splice(this.#inFlight.indexOf(arrival) >>> 0, 1);
    arrival.then(leave, leave); // the loop awaits it in order and hears of its failure there
    this.#probes.schedule(this.#submitted, this.#settings);
    await this.#keeper.take(this.#session, this.#submitted, async () => {
      await arrival;
      return this.#stability.state(step + 1);
    });
  }

  async #arrived(inputs: StepInputs, numbers: StepNumbers, wishes: StepWishes): Promise<void> {
    const { step } = inputs;
    if (this.#failure) return;
    if (numbers.isHalted || !Number.isFinite(numbers.crossEntropy)) return this.#halted(step);
    this.#pace.arrived(performance.now());
    this.#finished = step + 1;
    this.#stability.add(numbers.crossEntropy, numbers.gradientNorm);
    reportStep(this.#parts.emit, {
      ...inputs,
      numbers,
      stability: this.#stability.values,
      wishes,
      isLoadWatched: this.#wishes.watch.load,
      domainCount: this.#parts.data.domains.length,
      stepTime: this.#pace.stepTime,
      deviceBytes: this.#session.deviceBytes,
    });
  }

  /** The device stopped updating at the 0-based `step`: finds out where that began. */
  async #halted(step: number): Promise<void> {
    const checkpointStep = this.#keeper.last?.step ?? 0;
    // Known as a failure at once, so that nothing more is submitted; in words when the tensor is found.
    this.#failure = failureOf('not a number', step + 1, checkpointStep);
    this.#keeper.spoil(step);
    const inputs = this.#feed.of(step);
    this.#fail(await notFiniteFailure(this.#session, step, inputs, checkpointStep));
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    for (const give of this.#waiting.splice(0)) give();
    this.#parts.emit('failed', failure);
    this.#tell('stopped');
  }

  async #broken(error: unknown): Promise<void> {
    const lost = await lossOf(this.#session);
    if (this.#isEnded) return;
    if (lost) return this.#recover(lost.message);
    this.#fail(failureOf(error, this.#finished, this.#keeper.last?.step ?? 0));
  }

  /** A new device, the last checkpoint, and on. */
  async #recover(reason: string): Promise<void> {
    const lostAt = this.#finished;
    const phase = this.#phase;
    this.#tell('preparing');
    try {
      this.#session = await this.#parts.reopen();
      await this.#restore();
    } catch (error) {
      return this.#fail(failureOf(error, lostAt));
    }
    this.#parts.emit('recovered', { lostAt, resumedAt: this.#finished, reason });
    this.#tell(phase);
  }

  /** Puts weights, data and settings back to the checkpoint, or to step 0. */
  async #restore(): Promise<void> {
    const checkpoint = this.#keeper.last;
    const step = checkpoint?.step ?? 0;
    await this.#session.stepper.start(this.#settings.run.seed);
    if (checkpoint) restoreCheckpoint(this.#session, checkpoint);
    await this.#parts.data.training.seek(checkpoint?.cursor ?? this.#startCursor);
    this.#stability.restore(checkpoint?.stability);
    this.#submitted = step;
    this.#finished = step;
    this.#inFlight.length = 0;
    this.#probes.restart(this.#session);
    this.#keeper.restart();
    this.#live.rewind(step);
    this.#pace.restart();
  }
}
