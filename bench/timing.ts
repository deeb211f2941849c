/**
 * @file The time of a recorded part: many repetitions in one pass, by timestamps at its ends where the adapter has
 * them, else by the time until the queue is empty. Chrome rounds timestamps to 100 µs, so a pass is made long.
 */
import { type Summary, summary } from './statistics';
import { encodeRepeats, type Timed } from './workbench';

/** How a time was taken. */
export type Clock = 'timestamps' | 'queue';

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
  const clock = timed.device.features.has('timestamp-query') ? 'timestamps' : 'queue';
  const sample = (repeats: number) =>
    clock === 'timestamps' ? byTimestamps(timed, repeats) : byQueue(timed, repeats);
  const wanted = isQuick ? SAMPLE_MS.quick : SAMPLE_MS.full;
  // The first repetition warms caches; the second says how many a sample needs.
  await sample(1);
  const once = await sample(1);
  const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.ceil(wanted / Math.max(once, 1e-3))));
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await sample(repeats)) / repeats);
  return { ms: summary(times), clock, repeats };
}

/** Wall time of a submit with nothing else in the queue, ms. */
async function byQueue(timed: Timed, repeats: number): Promise<number> {
  const start = performance.now();
  const encoder = timed.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  encodeRepeats(pass, timed, repeats);
  pass.end();
  timed.device.queue.submit([encoder.finish()]);
  await timed.idle();
  return performance.now() - start;
}

/** Device time of a pass, ms. */
async function byTimestamps(timed: Timed, repeats: number): Promise<number> {
  const { device } = timed;
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const bytes = 16;
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: bytes, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size: bytes, usage: COPY_DST | MAP_READ });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass({
    timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
  });
  encodeRepeats(pass, timed, repeats);
  pass.end();
  encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const [begin, end] = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const buffer of [resolved, staging]) buffer.destroy();
  querySet.destroy();
  await timed.idle();
  return Number(end! - begin!) / 1e6;
}
