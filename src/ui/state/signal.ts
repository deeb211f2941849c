/**
 * @file Tells listeners that something outside React changed, at most once a frame.
 */

/** Asks for one call soon; in the page this is `requestAnimationFrame`. */
export type RequestFrame = (run: () => void) => unknown;

export class Signal {
  readonly #requestFrame: RequestFrame;
  readonly #listeners = new Set<() => void>();
  #isAsked = false;
  #version = 0;

  constructor(requestFrame: RequestFrame) {
    this.#requestFrame = requestFrame;
  }

  /** Grows by one with each frame in which something changed. */
  get version(): number {
    return this.#version;
  }

  /** Something changed; listeners hear of it with the next frame. */
  touch(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#requestFrame(() => {
      this.#isAsked = false;
      this.#version++;
      for (const listener of this.#listeners) listener();
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };
}
