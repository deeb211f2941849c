/** @file Saves that were asked for and wait for the gap between two steps. */
import type { BatchSource } from '@/engine/data/batch';
import type { TrainerState } from '@/engine/files/trainerFile';
import { copyState } from './checkpoint';
import type { Snapshot } from './checkpointFiles';
import type { Session } from './session';
import type { StabilityState } from './stability';

/** Where a run stands, apart from device and data. */
export type Standing = Omit<TrainerState, 'cursor' | 'adapter' | 'stability'> &
  Pick<Snapshot, 'settings'>;

export class Saves {
  readonly #asked: Asked[] = [];

  get isWaiting(): boolean {
    return this.#asked.length > 0;
  }

  /** Resolves when the copies stand in the queue and every step before them has arrived. */
  ask(): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
    });
  }

  /**
   * Answers the oldest one, where the next step would be submitted.
   * @param stability of the run when all steps before have arrived; undefined where one of them is not a number.
   */
  async take(
    session: Session,
    data: BatchSource,
    standing: () => Standing,
    stability: () => Promise<StabilityState | undefined>,
  ): Promise<void> {
    const cursor = await data.cursor();
    const asked = this.#asked.shift();
    if (!asked) return;
    const { settings, ...run } = standing();
    const { open, assembly } = session;
    const trainer = { ...run, cursor, adapter: open.info.name };
    const begun = { trainer, settings, state: assembly.state, pieces: copyState(session) };
    void answer(asked, begun, stability());
  }

  /** There will be no next step. */
  refuse(): void {
    for (const { reject } of this.#asked.splice(0)) reject(stopped());
  }
}

const stopped = () =>
  new Error('The run has stopped at a step that went wrong. Go back to the last good one first.');

/** Answers when the steps before have arrived; training goes on meanwhile. */
async function answer(
  asked: Asked,
  begun: Omit<Snapshot, 'trainer'> & { readonly trainer: Omit<TrainerState, 'stability'> },
  arriving: Promise<StabilityState | undefined>,
): Promise<void> {
  try {
    const stability = await arriving;
    if (!stability) throw stopped();
    asked.resolve({ ...begun, trainer: { ...begun.trainer, stability } });
  } catch (error) {
    for (const piece of begun.pieces) piece.discard();
    asked.reject(error);
  }
}

interface Asked {
  resolve(snapshot: Snapshot): void;
  reject(error: unknown): void;
}
