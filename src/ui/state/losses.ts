/**
 * @file The loss of every step of a run, bit for bit, so that a run done again can be compared.
 */

/** Steps that are kept: 1.6 MB. */
export const MAX_COMPARED_STEPS = 200_000;

export class Losses {
  /** NaN where no loss came. */
  #values = new Float64Array(1024).fill(Number.NaN);
  #count = 0;

  /** One more than the last step that has a loss. */
  get length(): number {
    return this.#count;
  }

  set(step: number, loss: number): void {
    if (step >= MAX_COMPARED_STEPS) return;
    if (step >= this.#values.length) {
      const room = Math.min(MAX_COMPARED_STEPS, Math.max(step + 1, this.#values.length * 2));
      const grown = new Float64Array(room).fill(Number.NaN);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[step] = loss;
    this.#count = Math.max(this.#count, step + 1);
  }

  /** The loss of a step; undefined where none was recorded. */
  at(step: number): number | undefined {
    const value = step < this.#count ? this.#values[step]! : Number.NaN;
    return Number.isNaN(value) ? undefined : value;
  }

  /** The last step with a loss; undefined before the first. */
  get lastStep(): number | undefined {
    return this.#count > 0 ? this.#count - 1 : undefined;
  }
}

/** A run done again beside the run that it repeats. */
export class Reproduction {
  readonly #recorded: Losses;
  #comparedCount = 0;
  #reached = -1;
  #difference: Difference | undefined;

  constructor(recorded: Losses) {
    this.#recorded = recorded;
  }

  /** The first step whose losses are not the same bits. */
  get difference(): Difference | undefined {
    return this.#difference;
  }

  /** Steps compared so far; each step counts once, also where it is done twice. */
  get comparedCount(): number {
    return this.#comparedCount;
  }

  /** The last step that there is to compare. */
  get lastStep(): number {
    return this.#recorded.lastStep ?? 0;
  }

  get isComplete(): boolean {
    return this.#reached >= this.lastStep;
  }

  compare(step: number, loss: number): void {
    if (step <= this.#reached) return;
    this.#reached = step;
    const recorded = this.#recorded.at(step);
    if (recorded === undefined) return;
    this.#comparedCount++;
    if (!Object.is(recorded, loss)) this.#difference ??= { step, recorded, repeated: loss };
  }
}

export interface Difference {
  readonly step: number;
  readonly recorded: number;
  readonly repeated: number;
}
