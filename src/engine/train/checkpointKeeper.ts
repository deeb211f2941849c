/** @file What a run goes back to: its start, or the last checkpoint in memory. How often, and which ones are sound. */
import type { BatchSource } from '@/engine/data/batch';
import type { ReadCheckpoint } from '@/engine/files/readCheckpoint';
import { type Checkpoint, checkpointBytes, restoreCheckpoint, saveCheckpoint } from './checkpoint';
import { restoreFiles } from './checkpointFiles';
import type { Session } from './session';
import { isStabilityState, type StabilityState } from './stability';

export class CheckpointKeeper {
  readonly #data: BatchSource;
  readonly #origin: ReadCheckpoint | undefined;
  #startCursor: unknown;
  #last: Checkpoint | undefined;
  /** Steps after this one came from a spoiled run. */
  #lastSound = Number.POSITIVE_INFINITY;

  /** @param origin what the run starts from; `data` stands there already. */
  constructor(data: BatchSource, origin: ReadCheckpoint | undefined) {
    this.#data = data;
    this.#origin = origin;
  }

  /** Finished steps where the run would go on. */
  get step(): number {
    return this.#last?.step ?? this.#origin?.step ?? 0;
  }

  /** What the figures of the steps after that look back on; undefined: nothing. */
  get stability(): StabilityState | undefined {
    if (this.#last) return this.#last.stability;
    const { stability, step } = this.#origin ?? { step: 0 };
    return isStabilityState(stability, step) ? stability : undefined;
  }

  /** Puts the start of the run on the device. */
  async start(session: Session, seed: number): Promise<void> {
    this.#startCursor = await this.#data.cursor();
    await this.#putStart(session, seed);
  }

  /** Puts device and data back to where the run goes on; checkpoints are sound from there. */
  async restore(session: Session, seed: number): Promise<void> {
    await this.#putStart(session, seed);
    if (this.#last) await restoreCheckpoint(session, this.#last);
    await this.#data.seek(this.#last?.cursor ?? this.#startCursor);
    this.#lastSound = Number.POSITIVE_INFINITY;
  }

  async #putStart(session: Session, seed: number): Promise<void> {
    await session.stepper.start(seed);
    if (this.#origin && !this.#last) await restoreFiles(session, this.#origin);
  }

  /**
   * Takes one where it is due after `step` submitted steps. Its bytes arrive later; the run goes on.
   * @param stability asked only then; resolves when that step has arrived.
   */
  async take(
    session: Session,
    step: number,
    stability: () => Promise<StabilityState>,
  ): Promise<void> {
    if (step % checkpointEvery(session) !== 0) return;
    const cursor = await this.#data.cursor();
    void saveCheckpoint(session, step, cursor, stability()).then(
      (checkpoint) => {
        if (step <= this.#lastSound) this.#last = checkpoint;
      },
      () => {}, // the device went away, or the step was not a number: the older one stands
    );
  }

  /** The 0-based `step` went wrong: checkpoints still on their way from after it are not to be kept. */
  spoil(step: number): void {
    this.#lastSound = step;
  }
}

/** A checkpoint copies everything: the larger the run, the rarer. */
function checkpointEvery(session: Session): number {
  const mebibytes = checkpointBytes(session) / 2 ** 20;
  if (mebibytes < 64) return 25;
  return mebibytes < 512 ? 200 : 1000;
}
