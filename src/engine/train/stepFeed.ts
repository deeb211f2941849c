/** @file Brings the micro-batches of each step, and keeps those of the last steps for a diagnosis. */
import { microBatchesAt } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';
import type { Batch, BatchSource } from '@/engine/data/batch';
import { STEPS_IN_FLIGHT, type StepInputs } from './stepper';

/** A step that went wrong is known when its numbers arrive. */
const STEPS_KEPT = STEPS_IN_FLIGHT + 2;

export class StepFeed {
  readonly #source: BatchSource;
  readonly #kept = new Map<number, StepInputs>();

  constructor(source: BatchSource) {
    this.#source = source;
  }

  /**
   * All that the 0-based `step` eats.
   * @param settings asked when its micro-batches are there, so that a change made meanwhile counts.
   */
  async next(
    step: number,
    schedule: Settings['schedule'],
    settings: () => Settings,
  ): Promise<StepInputs> {
    const count = microBatchesAt(step, schedule);
    const batches: Batch[] = [];
    while (batches.length < count) batches.push(await this.#source.next());
    const inputs = { step, batches, settings: settings() };
    this.#kept.set(step, inputs);
    this.#kept.delete(step - STEPS_KEPT);
    return inputs;
  }

  /** The inputs of one of the last steps. */
  of(step: number): StepInputs | undefined {
    return this.#kept.get(step);
  }
}
