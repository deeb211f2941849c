/**
 * @file GPU time of submitted work by dispatch. A traced submit does the same dispatches in the same order, each in
 * a pass of its own between two timestamps, so its results are those of any other.
 */
import { type Action, encodeApart, encodeTogether } from './program';
import { hasTimestamps, Timestamps } from './timestamps';

/** One dispatch that ran. */
export interface TracedAction {
  readonly action: Action;
  /** Device time, ms; undefined where the adapter has no timestamps. */
  readonly ms: number | undefined;
}

/** Follows the submits of one step. */
export class Trace {
  readonly #device: GPUDevice;
  readonly #submits: { actions: readonly Action[]; stamps: Timestamps | undefined }[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Encodes the actions of one submit. */
  encode(encoder: GPUCommandEncoder, actions: readonly Action[]): void {
    const isTimed = hasTimestamps(this.#device) && actions.length > 0;
    const stamps = isTimed ? new Timestamps(this.#device, actions.length) : undefined;
    this.#submits.push({ actions, stamps });
    if (stamps) {
      encodeApart(encoder, actions, () => ({ timestampWrites: stamps.writes() }));
      stamps.resolve(encoder);
    } else encodeTogether(encoder, actions);
  }

  /** Everything that was encoded, in order, when it has run. */
  async arrive(): Promise<TracedAction[]> {
    const traced = await Promise.all(
      this.#submits.map(async ({ actions, stamps }) => {
        const times = await stamps?.arrive();
        return actions.map((action, i) => ({ action, ms: times?.[i] }));
      }),
    );
    return traced.flat();
  }
}
