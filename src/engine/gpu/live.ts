/**
 * @file Scalars that may change from step to step (learning rates, bias correction, seeds). They lie in
 * one small uniform buffer, written at most once a step: nothing of them is baked into a program.
 */
import type { Fields } from './kernel';
import { aligned } from './tensor';

/** A named group of live scalars; any number of dispatches may read it. */
export class LiveBlock<L extends string = string> {
  constructor(
    readonly name: string,
    readonly fields: Fields<L>,
    /** Bytes from the start of the live buffer. */
    readonly offset: number,
    readonly view: DataView,
  ) {}

  get bytes(): number {
    return Math.max(16, Math.ceil(this.view.byteLength / 16) * 16);
  }

  set(values: Readonly<Record<L, number>>): void {
    Object.keys(this.fields).forEach((name, i) => {
      const value = values[name as L];
      if (this.fields[name as L] === 'u32') this.view.setUint32(4 * i, value, true);
      else this.view.setFloat32(4 * i, value, true);
    });
  }
}

const CAPACITY = 16_384;

export class LiveScalars {
  readonly #bytes = new ArrayBuffer(CAPACITY);
  #used = 0;
  #buffer: GPUBuffer | undefined;

  /** @throws {RangeError} when all blocks together pass 16 KiB. */
  block<L extends string>(name: string, fields: Fields<L>): LiveBlock<L> {
    const size = Math.max(16, 4 * Object.keys(fields).length);
    const offset = this.#used;
    if (offset + size > CAPACITY)
      throw new RangeError(`${name}: more than ${CAPACITY} bytes of live scalars`);
    this.#used += aligned(size);
    return new LiveBlock(name, fields, offset, new DataView(this.#bytes, offset, size));
  }

  get bytes(): number {
    return CAPACITY;
  }

  get buffer(): GPUBuffer {
    if (!this.#buffer) throw new Error('live scalars: no buffer yet');
    return this.#buffer;
  }

  materialise(device: GPUDevice): void {
    this.#buffer ??= device.createBuffer({
      label: 'live',
      size: CAPACITY,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Sends all blocks to the device: what is submitted next sees them. */
  flush(queue: GPUQueue): void {
    queue.writeBuffer(this.buffer, 0, this.#bytes, 0, Math.max(16, this.#used));
  }

  destroy(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
  }
}
