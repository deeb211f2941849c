/**
 * @file The step under the pointer, for all time charts at once. It moves with the pointer, so it
 * goes round React: each chart moves its own line.
 */
export class Crosshair {
  #step: number | undefined;
  readonly #listeners = new Set<(step: number | undefined) => void>();

  get step(): number | undefined {
    return this.#step;
  }

  /** `undefined` takes it away. */
  move(step: number | undefined): void {
    if (step === this.#step) return;
    this.#step = step;
    for (const listener of this.#listeners) listener(step);
  }

  subscribe(listener: (step: number | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
