/** @file Keeps the last checkpoint of a run in memory: how often, and which ones are sound. */
import type { BatchSource } from '@/engine/data/batch';
import { type Checkpoint, checkpointBytes, saveCheckpoint } from './checkpoint';
import type { Session } from './session';
import type { StabilityState } from './stability';

export class CheckpointKeeper {
  readonly #data: BatchSource;
  #last: Checkpoint | undefined;
  /** Steps after this one came from a spoiled run. */
  #lastSound = Number.POSITIVE_INFINITY;

  constructor(data: BatchSource) {
    this.#data = data;
  }

  get last(): Checkpoint | undefined {
    return this.#last;
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

  /** The run goes on from the last checkpoint. */
  restart(): void {
    this.#lastSound = Number.POSITIVE_INFINITY;
  }
}

/** A checkpoint copies everything: the larger the run, the rarer. */
function checkpointEvery(session: Session): number {
  const mebibytes = checkpointBytes(session) / 2 ** 20;
  if (mebibytes < 64) return 25;
  return mebibytes < 512 ? 200 : 1000;
}
