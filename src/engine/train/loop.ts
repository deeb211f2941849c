/** @file Does work turn by turn as long as there is some, one turn at a time, and wakes up when some comes. */

export interface Work {
  readonly isDue: () => boolean;
  readonly turn: () => Promise<void>;
  /** After the last turn: what is still on its way. */
  readonly arrive: () => Promise<void>;
  /** A turn or an arrival has thrown. */
  readonly broken: (error: unknown) => Promise<void>;
}

export class Loop {
  readonly #work: Work;
  #running: Promise<void> | undefined;

  constructor(work: Work) {
    this.#work = work;
  }

  wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Work may have come while the last numbers were awaited, or after a lost device.
      if (this.#work.isDue()) this.wake();
    });
  }

  /** Waits until nothing is left to do and all has arrived. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#work.isDue()) await this.#work.turn();
      await this.#work.arrive();
    } catch (error) {
      await this.#work.broken(error);
    }
  }
}
