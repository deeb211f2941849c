/**
 * @file A shape with a place. Row-major, four or two bytes an element, no strides. A tensor is a name on
 * the tape until a planner gives it a place in a heap; only then are there bytes.
 */

/** What elements are stored as; kernels compute in float32 and integers only. */
export type ElementType = 'f32' | 'u32' | 'bf16' | 'f16';

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { f32: 4, u32: 4, bf16: 2, f16: 2 };

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
    /** The tensor whose bytes, or part of them, this one shows. */
    readonly base?: Tensor,
    /** Elements of the base before the first one shown. */
    readonly start = 0,
  ) {
    this.length = shape.reduce((a, b) => a * b, 1);
    if (base && start + this.length > base.length) {
      throw new RangeError(`${label}: ${base.length} elements do not hold ${start + this.length}`);
    }
  }

  get bytes(): number {
    return ELEMENT_BYTES[this.type] * this.length;
  }

  /** The tensor that owns the bytes. */
  get owner(): Tensor {
    return this.base?.owner ?? this;
  }

  get place(): Place | undefined {
    const place = this.base ? this.base.place : this.#place;
    return place && this.start > 0
      ? { heap: place.heap, offset: place.offset + ELEMENT_BYTES[this.type] * this.start }
      : place;
  }

  set place(place: Place | undefined) {
    if (this.base) throw new Error(`${this.label}: a view has no place of its own`);
    this.#place = place;
  }

  /** The same bytes in another shape. */
  view(shape: readonly number[], label = this.label): Tensor {
    const view = new Tensor(shape, label, this.type, this);
    if (view.length !== this.length) {
      throw new RangeError(
        `${label}: a view of ${this.length} elements cannot have ${view.length}`,
      );
    }
    return view;
  }

  /**
   * Elements [start, start + length of `shape`) as a tensor of their own.
   * @throws {RangeError} where a binding could not start there (every 256 bytes).
   */
  slice(start: number, shape: readonly number[], label = this.label): Tensor {
    if ((ELEMENT_BYTES[this.type] * start) % ALIGNMENT !== 0)
      throw new RangeError(`${label}: a slice cannot start at ${start}`);
    return new Tensor(shape, label, this.type, this, start);
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
