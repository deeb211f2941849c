/** @file The time of a recorded part, from samples of many repetitions each. */
import { type Clock, clockOf, repeatedMs, type Timed } from '@/engine/gpu/clock';
import { type Summary, summary } from './statistics';

export interface Timing {
  /** One repetition, ms. */
  readonly ms: Summary;
  readonly clock: Clock;
  /** Repetitions in each sample. */
  readonly repeats: number;
}

/** A sample lasts at least this long, ms; and a quick one. */
const SAMPLE_MS = { full: 60, quick: 5 };
const MOST_REPEATS = 2000;

/** @param samples how often to measure */
export async function timing(timed: Timed, samples: number, isQuick: boolean): Promise<Timing> {
  const sample = (repeats: number) => repeatedMs(timed, repeats);
  const wanted = isQuick ? SAMPLE_MS.quick : SAMPLE_MS.full;
  // The first repetition warms caches; the second says how many a sample needs.
  await sample(1);
  const once = await sample(1);
  const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.ceil(wanted / Math.max(once, 1e-3))));
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await sample(repeats)) / repeats);
  return { ms: summary(times), clock: clockOf(timed.device), repeats };
}
