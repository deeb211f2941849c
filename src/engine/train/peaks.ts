/** @file What an adapter can do at most, measured on it: the bench and the page hold every kernel against it. */
import { Arena, memoryLimits } from '@/engine/gpu/arena';
import { repeatedMs, type Timed } from '@/engine/gpu/clock';
import type { OpenDevice } from '@/engine/gpu/device';
import { LiveScalars } from '@/engine/gpu/live';
import { Program } from '@/engine/gpu/program';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { copyAll, multiplyAdds } from '@/engine/ops/peak';
import type { Peaks } from './commands';

/** Enough threads to fill the adapter, and far more to copy than a cache holds. */
const SIZES = {
  graphics: { threads: 2 ** 19, rounds: 256, copied: 2 ** 24 },
  software: { threads: 2 ** 13, rounds: 256, copied: 2 ** 22 },
};

/** A sample lasts about this long, ms: Chrome rounds timestamps to a tenth. */
const SAMPLE_MS = 20;
const MOST_REPEATS = 200;
const SAMPLES = 3;

const known = new WeakMap<GPUDevice, Promise<Peaks | undefined>>();

/**
 * The peaks of a device, measured once; undefined where it has no room for it. Nothing else should be in its queue.
 * @throws {DeviceLostError}
 */
export function peaksOf(open: OpenDevice): Promise<Peaks | undefined> {
  const peaks = known.get(open.device) ?? measuredPeaks(open);
  known.set(open.device, peaks);
  return peaks;
}

async function measuredPeaks(open: OpenDevice): Promise<Peaks | undefined> {
  const { threads, rounds, copied } = SIZES[open.info.isSoftware ? 'software' : 'graphics'];
  const flops = await rate(open, [2, threads], (tape, [seeds, sums]) =>
    multiplyAdds(tape, seeds!, sums!, rounds),
  );
  const bytes = await rate(open, [copied, copied], (tape, [source, copy]) =>
    copyAll(tape, source!, copy!),
  );
  return flops && bytes ? { flops, bytes } : undefined;
}

/**
 * Work a second of what `record` dispatches over tensors of these lengths, all zeros; it returns that work.
 * Undefined where the device has no room for them.
 */
async function rate(
  { device, idle }: OpenDevice,
  lengths: readonly number[],
  record: (tape: Tape, tensors: readonly Tensor[]) => number,
): Promise<number | undefined> {
  // Each in a buffer of its own: WebGPU counts usage by whole buffer.
  const arenas = lengths.map(() => new Arena('peak', memoryLimits(device)));
  const tensors = lengths.map((length, i) => arenas[i]!.tensor([length], 'peak'));
  const tape = new Tape();
  const work = record(tape, tensors);
  try {
    device.pushErrorScope('out-of-memory');
    for (const arena of arenas) arena.materialise(device);
    if (await device.popErrorScope()) return undefined;
    const program = await Program.build(device, tape, new LiveScalars());
    const ms = await shortest({ device, actions: program.actions, idle });
    program.destroy();
    return (1000 * work) / ms;
  } finally {
    for (const arena of arenas) arena.destroy();
  }
}

/** Time of one repetition, ms: the shortest sample, since others only lengthen it. */
async function shortest(timed: Timed): Promise<number> {
  await repeatedMs(timed, 1);
  const once = await repeatedMs(timed, 1);
  const repeats = Math.min(MOST_REPEATS, Math.ceil(SAMPLE_MS / Math.max(once, 1e-3)));
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) least = Math.min(least, await repeatedMs(timed, repeats));
  return least / repeats;
}
