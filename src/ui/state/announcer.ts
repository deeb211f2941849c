/** @file What a screen reader hears: the newest words only, not oftener than once in a while. */
import { createStore } from 'zustand/vanilla';
import type { Clock } from './pace';

/** Shortest time between two announcements. */
const REST_MS = 700;

export class Announcer {
  readonly store = createStore<{ readonly words: string }>(() => ({ words: '' }));
  readonly #clock: Clock;
  #waiting: string | undefined;
  #notBefore = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says `words` soon, unless newer ones come before. */
  say(words: string): void {
    const isAsked = this.#waiting !== undefined;
    this.#waiting = words;
    if (isAsked) return;
    this.#clock.after(Math.max(0, this.#notBefore - this.#clock.now()), () => {
      this.store.setState({ words: this.#waiting ?? '' });
      this.#waiting = undefined;
      this.#notBefore = this.#clock.now() + REST_MS;
    });
  }
}
