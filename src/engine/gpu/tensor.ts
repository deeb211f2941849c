/**
 * @file A shape with a place. Row-major, four bytes an element, no strides. A tensor is a name on
 * the tape until a planner gives it a place in a heap; only then are there bytes.
 */

export type ElementType = 'f32' | 'u32';

/** One GPU buffer to be, in which many tensors lie. */
export class Heap {
  bytes = 0;
  buffer: GPUBuffer | undefined;

  constructor(readonly label: string) {}

  /** Makes the buffer, filled with zeros. */
  materialise(device: GPUDevice): void {
    if (this.buffer || this.bytes === 0) return;
    this.buffer = device.createBuffer({
      label: this.label,
      size: this.bytes,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
  }

  destroy(): void {
    this.buffer?.destroy();
    this.buffer = undefined;
  }
}

export interface Place {
  readonly heap: Heap;
  /** Bytes from the start of the heap; a multiple of `ALIGNMENT`. */
  readonly offset: number;
}

/** Storage bindings must start at multiples of this (the WebGPU default limit), in bytes. */
export const ALIGNMENT = 256;

export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export class Tensor {
  #place: Place | undefined;
  readonly length: number;

  constructor(
    readonly shape: readonly number[],
    readonly label: string,
    readonly type: ElementType = 'f32',
    /** The tensor whose bytes this one shows in another shape. */
    readonly base?: Tensor,
  ) {
    this.length = shape.reduce((a, b) => a * b, 1);
    if (base && base.length !== this.length) {
      throw new RangeError(
        `${label}: a view of ${base.length} elements cannot have ${this.length}`,
      );
    }
  }

  get bytes(): number {
    return 4 * this.length;
  }

  /** The tensor that owns the bytes. */
  get owner(): Tensor {
    return this.base?.owner ?? this;
  }

  get place(): Place | undefined {
    return this.base ? this.base.place : this.#place;
  }

  set place(place: Place | undefined) {
    if (this.base) throw new Error(`${this.label}: a view has no place of its own`);
    this.#place = place;
  }

  /** The same bytes in another shape. */
  view(shape: readonly number[], label = this.label): Tensor {
    return new Tensor(shape, label, this.type, this);
  }

  /** The buffer that holds it. @throws {Error} before its heap was materialised. */
  get buffer(): GPUBuffer {
    const buffer = this.place?.heap.buffer;
    if (!buffer) throw new Error(`${this.label}: has no buffer yet`);
    return buffer;
  }

  get offset(): number {
    return this.place?.offset ?? 0;
  }
}
