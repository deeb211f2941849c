/** @file Steps that were submitted and whose numbers are on their way, and who waits for one of them. */
import { STEPS_IN_FLIGHT } from './stepper';

export class Arrivals {
  readonly #inFlight: Promise<void>[] = [];
  /** Single steps asked for: each gets the arrival of its own step. */
  readonly #asked: ((arrival?: Promise<void>) => void)[] = [];

  /** A single step was asked for and not submitted yet. */
  get isAsked(): boolean {
    return this.#asked.length > 0;
  }

  get isFull(): boolean {
    return this.#inFlight.length >= STEPS_IN_FLIGHT;
  }

  /** Resolves when the next step but those asked for before has arrived; rejects as it does. */
  askStep(): Promise<void> {
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  /** A step was submitted. */
  add(arrival: Promise<void>): void {
    this.#inFlight.push(arrival);
    this.#asked.shift()?.(arrival);
    const leave = () => this.#inFlight.splice(this.#inFlight.indexOf(arrival) >>> 0, 1);
    arrival.then(leave, leave); // the loop awaits it in order and hears of its failure there
  }

  /** Resolves when the oldest has arrived. */
  async oldest(): Promise<void> {
    await this.#inFlight[0];
  }

  /** Resolves when all have arrived; rejects as the first that does. */
  async all(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** Resolves when all have arrived or failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  /** There will be no next step: whoever waits for one waits no more. */
  giveUp(): void {
    for (const give of this.#asked.splice(0)) give();
  }

  /** Forgets those of a device that is gone. */
  forget(): void {
    this.#inFlight.length = 0;
  }
}
