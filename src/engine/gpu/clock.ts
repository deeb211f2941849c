/**
 * @file The time of recorded actions: many repetitions in one pass, by timestamps at its ends where the adapter has
 * them, else by the time until the queue is empty. Chrome rounds timestamps to 100 µs, so a pass should be long.
 */
import { type Action, encodeTogether } from './program';
import { hasTimestamps, Timestamps } from './timestamps';

/** How a time was taken. */
export type Clock = 'timestamps' | 'queue';

/** What is timed, ready to be encoded any number of times. */
export interface Timed {
  readonly device: GPUDevice;
  readonly actions: readonly Action[];
  /** Waits for the device. @throws where it complained */
  idle(): Promise<void>;
}

export const clockOf = (device: GPUDevice): Clock =>
  hasTimestamps(device) ? 'timestamps' : 'queue';

/** Time of so many repetitions, ms; by the queue only true where nothing else is in it. */
export const repeatedMs = (timed: Timed, repeats: number): Promise<number> =>
  clockOf(timed.device) === 'timestamps' ? byTimestamps(timed, repeats) : byQueue(timed, repeats);

const repeated = ({ actions }: Timed, repeats: number): Action[] =>
  Array.from({ length: repeats }, () => actions).flat();

/** Puts so many repetitions into the queue, in one pass. */
export function submitRepeats(timed: Timed, repeats: number): void {
  const encoder = timed.device.createCommandEncoder();
  encodeTogether(encoder, repeated(timed, repeats));
  timed.device.queue.submit([encoder.finish()]);
}

async function byQueue(timed: Timed, repeats: number): Promise<number> {
  const start = performance.now();
  submitRepeats(timed, repeats);
  await timed.idle();
  return performance.now() - start;
}

async function byTimestamps(timed: Timed, repeats: number): Promise<number> {
  const { device } = timed;
  const stamps = new Timestamps(device, 1);
  const encoder = device.createCommandEncoder();
  encodeTogether(encoder, repeated(timed, repeats), { timestampWrites: stamps.writes() });
  stamps.resolve(encoder);
  device.queue.submit([encoder.finish()]);
  const [ms] = await stamps.arrive();
  await timed.idle();
  return ms!;
}
