/**
 * @file One experiment in motion: submits steps a little ahead of their numbers, fits probes in between, keeps a
 * checkpoint in memory, and comes back from a lost device. `Trainer` makes it and hands the commands on.
 */
import type { Experiment, LiveChange } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import type { OpenDevice } from '@/engine/gpu/device';
import { Arrivals } from './arrivals';
import type { Snapshot } from './checkpointFiles';
import { CheckpointKeeper } from './checkpointKeeper';
import type { Commands, Events, Failure, RunPhase, Watch } from './commands';
import { failureOf, lossOf, notFiniteFailure } from './faults';
import { LiveSettings } from './liveSettings';
import { Loop } from './loop';
import { guessedStepTime, Pace, Wishes } from './pacing';
import { Probes } from './probes';
import type { RunParts } from './runParts';
import { Saves } from './saves';
import type { Session } from './session';
import { Stability } from './stability';
import { StepFeed } from './stepFeed';
import type { StepNumbers, StepWishes } from './stepNumbers';
import type { StepInputs } from './stepper';
import { reportStep } from './stepReport';

export class Run {
  readonly parts: RunParts;
  readonly #live: LiveSettings;
  readonly #probes: Probes;
  readonly #keeper: CheckpointKeeper;
  readonly #pace: Pace;
  readonly #wishes = new Wishes();
  readonly #arrivals = new Arrivals();
  readonly #feed: StepFeed;
  readonly #saves = new Saves();
  readonly #stability = new Stability();
  #session: Session;
  #phase: RunPhase = 'paused';
  #submitted = 0;
  #finished = 0;
  #submitting: Promise<void> | undefined;
  readonly #loop = new Loop({
    isDue: () => this.#hasWork,
    turn: () => this.#turn(),
    arrive: () => this.#arrivals.all(),
    broken: (error) => this.#broken(error),
  });
  #failure: Failure | undefined;
  #isEnded = false;

  constructor(parts: RunParts, session: Session) {
    this.parts = parts;
    this.#session = session;
    this.#live = new LiveSettings(parts.experiment, (...args) => this.#changed(...args));
    this.#probes = new Probes(session, parts.data.heldOut, parts.emit);
    this.#keeper = new CheckpointKeeper(parts.data.training, parts.origin);
    this.#feed = new StepFeed(parts.data.training);
    this.#pace = new Pace(guessedStepTime(session));
  }

  get experiment(): Experiment {
    return this.#live.experiment;
  }

  /** Draws the weights or takes them from where it starts, stands there and says so. */
  async start(): Promise<void> {
    await this.#keeper.start(this.#session, this.#live.values.run.seed);
    this.#guard(this.#session);
    const step = this.#stand();
    const values = { 'train.step': step, 'memory.deviceBytes': this.#session.deviceBytes };
    this.parts.emit('metrics', { step, values });
    this.#tell('paused');
  }

  play(): void {
    if (this.#failure || this.#isEnded) return;
    this.#pace.restart();
    this.#tell('training');
    this.#loop.wake();
  }

  /** Resolves when the steps on their way have arrived. Probes under way go on. */
  async pause(): Promise<void> {
    if (this.#phase !== 'training') return;
    this.#phase = 'paused';
    await Promise.allSettled([this.#submitting]);
    await this.#arrivals.settled();
    if (this.#phase === 'paused') this.#tell('paused');
  }

  /** Resolves when the step has arrived. */
  async singleStep(): Promise<void> {
    if (this.#failure || this.#phase === 'training') return;
    const arrived = this.#arrivals.askStep();
    this.#pace.restart();
    this.#loop.wake();
    await arrived.catch(() => {}); // the loop hears of it too and tells
    if (this.#phase === 'paused') this.#tell('paused');
  }

  /** @throws {ConfigError} */
  change(...change: Parameters<Commands['change']>): LiveChange {
    return this.#live.change(this.#submitted, ...change);
  }

  watch(watch: Watch): void {
    this.#wishes.watch = watch;
  }

  async evaluate(): ReturnType<Commands['evaluate']> {
    await this.#session.ready;
    await Promise.allSettled([this.#submitting]); // who failed there has told
    return this.#probes.evaluate(this.#finished);
  }

  generate(...[request]: Parameters<Commands['generate']>): ReturnType<Commands['generate']> {
    const sample = this.#probes.generate(request, this.#finished);
    this.#loop.wake();
    return sample;
  }

  probeNeedles(): void {
    this.#probes.startNeedles(this.#submitted, this.#live.values);
    this.#loop.wake();
  }

  /**
   * The state between two steps, and all that goes with it; training goes on meanwhile.
   * @throws {Error} where the run has stopped, or a step before it turns out not to be a number.
   */
  save(): Promise<Snapshot> {
    const snapshot = this.#saves.ask();
    if (this.#failure) this.#saves.refuse();
    this.#loop.wake();
    return snapshot;
  }

  /** Goes back to the checkpoint in memory, or to the start, and drops the changes made since; returns its step. */
  async rewind(): Promise<number> {
    this.#phase = 'paused';
    this.#probes.restart(this.#session);
    await this.#loop.settled();
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
    await this.#loop.settled();
    this.#session.destroy();
    return this.#session.open;
  }

  get standing(): Events['phase'] {
    return { phase: this.#phase, step: this.#finished };
  }

  get #isStepping(): boolean {
    return this.#phase === 'training' || this.#arrivals.isAsked;
  }

  #tell(phase: RunPhase): void {
    this.#phase = phase;
    this.parts.emit('phase', this.standing);
  }

  #changed(change: LiveChange, before: Settings, after: Settings, isNew: boolean): void {
    const isSwitchedOn = before.balance.kind !== 'smebu' && after.balance.kind === 'smebu';
    if (isSwitchedOn) this.#session.stepper.clearBiasMomentum();
    if (isNew) this.parts.emit('changed', change);
  }

  /** A kernel of the step that does not compile is a failure also where nothing waits for it. */
  #guard({ compiled }: Session): void {
    compiled.catch((error) => (this.#hasWork ? undefined : this.#broken(error)));
  }

  get #hasWork(): boolean {
    return !this.#failure && (this.#isStepping || this.#saves.isWaiting || this.#probes.isBusy);
  }

  async #turn(): Promise<void> {
    if (this.#saves.isWaiting) return this.#takeSave();
    const { open, isReady } = this.#session;
    if (!this.#isStepping && !isReady) return this.#session.ready;
    if (!this.#isStepping) return this.#probes.advance(this.#submitted);
    // A pause or a failure may come while one waits.
    if (this.#arrivals.isFull) return this.#arrivals.oldest();
    if (isReady && this.#wishes.isPeakDue(open))
      return this.#wishes.peaks(open, this.#arrivals, this.#pace);
    this.#submitting = this.#submit();
    await this.#submitting;
    // Not awaited: training goes on meanwhile. What fails here fails the next step as well.
    void this.#probes.advance(this.#submitted).catch(() => {});
  }

  async #takeSave(): Promise<void> {
    const step = this.#submitted;
    const standing = () => ({
      step,
      experiment: this.experiment,
      settings: this.#live.values,
      isImported: this.parts.origin?.isImported === true,
    });
    const stability = async () => {
      await this.#arrivals.all();
      return this.#failure ? undefined : this.#stability.state(step);
    };
    await this.#saves.take(this.#session, this.parts.data.training, standing, stability);
  }

  async #submit(): Promise<void> {
    const step = this.#submitted;
    const inputs = await this.#feed.next(step, this.#live.values.schedule, () =>
      this.#live.applyDue(step),
    );
    const wishes = this.#wishes.at(performance.now(), this.#session.isReady);
    const pieces = this.#pace.pieces(inputs.batches.length);
    this.#submitted++; // a change that comes while kernels compile is for the next step
    const { numbers } = await this.#session.stepper.submit(inputs, wishes, pieces);
    const arrival = numbers.then((result) => this.#arrived(inputs, result, wishes));
    this.#arrivals.add(arrival);
    if (!this.#session.isReady) await arrival.then(() => this.#session.ready);
    this.#probes.schedule(this.#submitted, this.#live.values);
    await this.#keeper.take(this.#session, this.#submitted, () =>
      arrival.then(() => this.#stability.state(step + 1)),
    );
  }

  async #arrived(inputs: StepInputs, numbers: StepNumbers, wishes: StepWishes): Promise<void> {
    if (this.#failure) return;
    if (numbers.isHalted || !Number.isFinite(numbers.crossEntropy))
      return this.#halted(inputs.step);
    this.#pace.arrived(performance.now());
    this.#finished = inputs.step + 1;
    this.#stability.add(numbers.crossEntropy, numbers.gradientNorm);
    const from = { session: this.#session, pace: this.#pace, stability: this.#stability };
    reportStep(this.parts, { ...inputs, ...from, numbers, wishes, watching: this.#wishes });
  }

  /** The device stopped updating at the 0-based `step`: finds out where that began. */
  async #halted(step: number): Promise<void> {
    const checkpointStep = this.#keeper.step;
    // Known as a failure at once, so that nothing more is submitted; in words when the tensor is found.
    this.#failure = failureOf('not a number', step + 1, checkpointStep);
    this.#keeper.spoil(step);
    const inputs = this.#feed.of(step);
    this.#fail(await notFiniteFailure(this.#session, step, inputs, checkpointStep));
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    this.#saves.refuse();
    this.#arrivals.giveUp();
    this.parts.emit('failed', failure);
    this.#tell('stopped');
  }

  async #broken(error: unknown): Promise<void> {
    const lost = await lossOf(this.#session);
    if (this.#isEnded) return;
    if (lost) return this.#recover(lost.message);
    this.#fail(failureOf(error, this.#finished, this.#keeper.step));
  }

  /** A new device, the last checkpoint, and on. */
  async #recover(reason: string): Promise<void> {
    const lostAt = this.#finished;
    const phase = this.#phase;
    this.#tell('preparing');
    try {
      this.#session = await this.parts.reopen();
      this.#guard(this.#session);
      await this.#restore();
    } catch (error) {
      return this.#fail(failureOf(error, lostAt));
    }
    this.parts.emit('recovered', { lostAt, resumedAt: this.#finished, reason });
    this.#tell(phase);
  }

  /** Puts weights, data and settings back to the checkpoint, or to the start. */
  async #restore(): Promise<void> {
    await this.#keeper.restore(this.#session, this.#live.values.run.seed);
    this.#arrivals.forget();
    this.#probes.restart(this.#session);
    this.#stand();
    this.#pace.restart();
  }

  /** Stands where the keeper does, with the settings of then; returns that step. */
  #stand(): number {
    const { step, stability } = this.#keeper;
    this.#stability.restore(stability);
    this.#live.rewind(step);
    this.#submitted = step;
    this.#finished = step;
    return step;
  }
}
