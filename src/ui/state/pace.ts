/**
 * @file Who draws when. Charts are slow to draw, so they take turns: a few milliseconds of drawing a
 * frame, each no oftener than it asked for, and no oftener than one part in eight of its own cost. Where the processor
 * does the training too, all of them together take a small part of its time.
 */

/** Times and waits, so that a test can move the clock. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Runs once with the next frame. */
  frame(run: () => void): void;
  /** Runs once after so many milliseconds. */
  after(milliseconds: number, run: () => void): void;
}

/** Shortest rest after a drawing, as a multiple of what it cost. */
const REST_FACTOR = 8;
/** A frame in which so much was drawn leaves the rest to the next one, milliseconds. */
const FRAME_BUDGET_MS = 8;
/** Shortest time between two frames with drawings: each makes the browser paint again. */
const FRAME_REST_MS = 60;
/** The same on a processor that trains, as a multiple of what was drawn; painting takes it as long again. */
const TRAINING_REST_FACTOR = 60;
/** A first drawing takes long, and must not keep the second waiting for seconds. */
const MOST_REST_MS = 1500;

interface Turn {
  readonly draw: () => void;
  readonly intervalMs: number;
  isDue: boolean;
  /** Not before this time. */
  notBefore: number;
}

export class Pace {
  readonly #clock: Clock;
  readonly #turns = new Set<Turn>();
  /** When it looks again, if it does. */
  #wakesAt = Number.POSITIVE_INFINITY;
  /** Not before this time is anything drawn again. */
  #restsUntil = 0;

  /** @param trains whether the processor that draws is the adapter, too. */
  constructor(
    clock: Clock,
    readonly trains: () => boolean = () => false,
  ) {
    this.#clock = clock;
  }

  /** The data changed: everybody may draw again. */
  mark(): void {
    for (const turn of this.#turns) turn.isDue = true;
    this.#ask();
  }

  /** Calls `draw` after changes, at most once in `intervalMs`; returns the function that stops it. */
  join(draw: () => void, intervalMs: number): () => void {
    const turn: Turn = { draw, intervalMs, isDue: false, notBefore: 0 };
    this.#turns.add(turn);
    return () => {
      this.#turns.delete(turn);
    };
  }

  #ask(): void {
    const next = this.#next();
    if (!next) return;
    const at = Math.max(next.notBefore, this.#restsUntil, this.#clock.now());
    // A slow chart that waits for long must not keep the others waiting.
    if (this.#wakesAt <= at) return;
    this.#wakesAt = at;
    const run = () => {
      if (this.#wakesAt !== at) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#drawSome();
      this.#ask();
    };
    const wait = at - this.#clock.now();
    if (wait > 0) this.#clock.after(wait, () => this.#clock.frame(run));
    else this.#clock.frame(run);
  }

  #next(): Turn | undefined {
    let next: Turn | undefined;
    for (const turn of this.#turns) {
      if (turn.isDue && (!next || turn.notBefore < next.notBefore)) next = turn;
    }
    return next;
  }

  #drawSome(): void {
    const start = this.#clock.now();
    while (this.#clock.now() - start < FRAME_BUDGET_MS && this.#drawNext());
    const end = this.#clock.now();
    const factor = this.trains() ? TRAINING_REST_FACTOR : 0;
    const rest = Math.min(MOST_REST_MS, factor * (end - start));
    this.#restsUntil = end + Math.max(FRAME_REST_MS, rest);
  }

  /** Whether there was one whose time had come. */
  #drawNext(): boolean {
    const turn = this.#next();
    const start = this.#clock.now();
    if (!turn || turn.notBefore > start) return false;
    turn.isDue = false;
    turn.draw();
    const end = this.#clock.now();
    turn.notBefore = end + Math.max(turn.intervalMs, REST_FACTOR * (end - start));
    return true;
  }
}
