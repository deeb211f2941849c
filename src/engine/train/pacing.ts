/** @file How fast steps come, and what follows from it: submits of a step, pauses between large read-backs. */
import type { OpenDevice } from '@/engine/gpu/device';
import type { Arrivals } from './arrivals';
import type { Watch } from './commands';
import { KernelWatch } from './kernelWatch';
import type { Session } from './session';
import type { StepWishes } from './stepNumbers';

/** No submit should take longer, ms: the visitor's desktop shares the adapter. */
const LONGEST_SUBMIT = 100;
const MOST_PIECES = 64;
/** Multiply-adds a millisecond that a first step may count on: rather too few, so that no submit hangs. */
const SLOW_ADAPTER = 5e5;
const GRAPHICS_CARD = 1e8;

/** Time of one micro-batch with its update before any was measured, ms. */
export const guessedStepTime = ({ stepper, open }: Session): number =>
  stepper.cost / (open.info.isSoftware ? SLOW_ADAPTER : GRAPHICS_CARD);

/** A measured attention map is large; it is read back at most this often, ms. */
const ATTENTION_PAUSE = 400;
/** A step is split by kernel at most this often, ms, and never one of so many steps. */
const KERNELS_PAUSE = 1000;
const KERNELS_EVERY = 8;

/** Steps and wall time over the last few seconds. */
export class Pace {
  readonly #guess: number;
  readonly #arrivals: number[] = [];

  /** @param guess time of one micro-batch with its update, ms, as long as none was measured. */
  constructor(guess: number) {
    this.#guess = guess;
  }

  /** Call as each step's numbers arrive. @param now milliseconds */
  arrived(now: number): void {
    this.#arrivals.push(now);
    if (this.#arrivals.length > 12) this.#arrivals.shift();
  }

  /** Mean wall time of a step, ms; undefined until two have arrived. */
  get stepTime(): number | undefined {
    const first = this.#arrivals[0];
    const last = this.#arrivals.at(-1);
    if (first === undefined || last === undefined || this.#arrivals.length < 2) return undefined;
    return (last - first) / (this.#arrivals.length - 1);
  }

  /** Submits to cut a step of so many micro-batches into, so that none keeps the adapter busy for long. */
  pieces(microBatches: number): number {
    const time = this.stepTime ?? this.#guess * microBatches;
    return Math.min(MOST_PIECES, Math.max(1, Math.ceil(time / LONGEST_SUBMIT)));
  }

  /** After a pause the time in between is no step. */
  restart(): void {
    this.#arrivals.length = 0;
  }
}

/** Nobody looks. */
const NO_WATCH: Watch = {
  load: false,
  domains: false,
  bias: false,
  attention: undefined,
  kernels: false,
};

/** Turns what is watched into what the next step reads back. */
export class Wishes {
  readonly kernels = new KernelWatch();
  #watch: Watch = NO_WATCH;
  #lastAttention = Number.NEGATIVE_INFINITY;
  #lastKernels = Number.NEGATIVE_INFINITY;
  /** Steps since the last one that was split. */
  #unsplit = Number.POSITIVE_INFINITY;

  get watch(): Watch {
    return this.#watch;
  }

  set watch(watch: Watch) {
    this.#watch = watch;
    if (!watch.kernels) this.kernels.forget();
  }

  /** Whether kernels are watched and the peaks of this device not known. */
  isPeakDue(open: OpenDevice): boolean {
    return this.#watch.kernels && this.kernels.isDue(open);
  }

  /** Measures them between two steps, with nothing else in the queue. */
  async peaks(open: OpenDevice, arrivals: Arrivals, pace: Pace): Promise<void> {
    await arrivals.all();
    await this.kernels.measure(open);
    pace.restart();
  }

  /**
   * What the next step reads back.
   * @param now milliseconds
   * @param isReady false while kernels may still compile: such a step is not split.
   */
  at(now: number, isReady = true): StepWishes {
    const { bias, domains, attention, kernels } = this.#watch;
    const isMapDue = attention && now - this.#lastAttention >= ATTENTION_PAUSE;
    if (isMapDue) this.#lastAttention = now;
    const rested = now - this.#lastKernels >= KERNELS_PAUSE && this.#unsplit >= KERNELS_EVERY;
    const isSplitDue = isReady && kernels && rested;
    this.#unsplit = isSplitDue ? 1 : this.#unsplit + 1;
    if (isSplitDue) this.#lastKernels = now;
    return { bias, domains, ...(isMapDue && { attention }), ...(isSplitDue && { kernels: true }) };
  }
}
