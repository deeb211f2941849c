/** @file GPU time of a program by kernel, from timestamp queries: every dispatch in a pass of its own. */
import { encode, type Program } from './program';

export interface KernelTime {
  readonly kernel: string;
  readonly dispatches: number;
  /** Sum over its dispatches, milliseconds of GPU time. */
  readonly ms: number;
}

/** Most dispatches of one query set (the WebGPU limit is 4,096 queries, two a dispatch). */
const BATCH = 2048;

/**
 * Runs the program once and returns the time of each kernel, longest first.
 * @throws {Error} where the adapter has no timestamp queries.
 */
export async function profile(program: Program): Promise<KernelTime[]> {
  const { device, actions } = program;
  if (!device.features.has('timestamp-query'))
    throw new Error('this adapter has no timestamp queries');
  const totals = new Map<string, { dispatches: number; ms: number }>();
  for (let start = 0; start < actions.length; start += BATCH) {
    const batch = actions.filter((a) => a.section === undefined).slice(start, start + BATCH);
    const times = await timed(device, batch);
    batch.forEach(({ kernel }, i) => {
      const name =
        kernel.entryPoint === 'main' ? kernel.name : `${kernel.name} ${kernel.entryPoint}`;
      const total = totals.get(name) ?? { dispatches: 0, ms: 0 };
      totals.set(name, { dispatches: total.dispatches + 1, ms: total.ms + times[i]! });
    });
  }
  return [...totals].map(([kernel, total]) => ({ kernel, ...total })).sort((a, b) => b.ms - a.ms);
}

async function timed(device: GPUDevice, batch: Program['actions']): Promise<number[]> {
  const count = 2 * batch.length;
  if (count === 0) return [];
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const bytes = 8 * count;
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const resolved = device.createBuffer({ size: bytes, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size: bytes, usage: COPY_DST | MAP_READ });
  const encoder = device.createCommandEncoder();
  batch.forEach((action, i) => {
    const timestampWrites = {
      querySet,
      beginningOfPassWriteIndex: 2 * i,
      endOfPassWriteIndex: 2 * i + 1,
    };
    const pass = encoder.beginComputePass({ timestampWrites });
    encode(pass, action);
    pass.end();
  });
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const buffer of [resolved, staging]) buffer.destroy();
  querySet.destroy();
  return batch.map((_, i) => Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6);
}
