/**
 * @file Device time of compute passes, from timestamp queries. Chrome rounds them to 100 µs unless a flag of its own
 * forbids it; sums over many passes are right on average.
 */

/** Queries of one set: the WebGPU limit; two a pass. */
const QUERIES = 4096;
const BYTES = 8;

interface Part {
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
  readonly count: number;
}

/** Whether passes can be timed at all. */
export const hasTimestamps = ({ features }: GPUDevice): boolean => features.has('timestamp-query');

/** For passes of one submit: `writes` for each, `resolve` before it is submitted, `arrive` after. */
export class Timestamps {
  readonly #parts: Part[];
  #next = 0;

  /** @param passes that will be timed. @throws where the device has no timestamp queries. */
  constructor(device: GPUDevice, passes: number) {
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#parts = [];
    for (let rest = 2 * passes; rest > 0; rest -= QUERIES) {
      const count = Math.min(QUERIES, rest);
      const size = BYTES * count;
      this.#parts.push({
        queries: device.createQuerySet({ type: 'timestamp', count }),
        resolved: device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC }),
        staging: device.createBuffer({ size, usage: COPY_DST | MAP_READ }),
        count,
      });
    }
  }

  /** Where the next pass leaves its begin and its end. */
  writes(): GPUComputePassTimestampWrites {
    const at = this.#next;
    this.#next += 2;
    const first = at % QUERIES;
    return {
      querySet: this.#parts[Math.floor(at / QUERIES)]!.queries,
      beginningOfPassWriteIndex: first,
      endOfPassWriteIndex: first + 1,
    };
  }

  /** Encodes the copies, behind the last pass. */
  resolve(encoder: GPUCommandEncoder): void {
    for (const { queries, resolved, staging, count } of this.#parts) {
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, BYTES * count);
    }
  }

  /** Milliseconds of each pass, in their order; frees what it holds. Never negative, whatever the clock does. */
  async arrive(): Promise<number[]> {
    const times: number[] = [];
    for (const { staging } of this.#parts) {
      await staging.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(staging.getMappedRange());
      for (let i = 0; i < stamps.length; i += 2) {
        times.push(Math.max(0, Number(stamps[i + 1]! - stamps[i]!) / 1e6));
      }
    }
    this.#destroy();
    return times;
  }

  #destroy(): void {
    for (const { queries, resolved, staging } of this.#parts) {
      queries.destroy();
      resolved.destroy();
      staging.destroy();
    }
  }
}
