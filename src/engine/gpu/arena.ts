/** @file Tensors that live as long as a run, laid one behind the other in as few buffers as the limits allow. */
import { LimitError } from './errors';
import { aligned, type ElementType, Heap, Tensor } from './tensor';

export interface MemoryLimits {
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
}

/** What a device allows. */
export const memoryLimits = ({ limits }: GPUDevice): MemoryLimits => ({
  maxBufferBytes: limits.maxBufferSize,
  maxBindingBytes: limits.maxStorageBufferBindingSize,
});

/** @throws {LimitError} where a tensor is larger than one binding may be. */
export function expectBindable(tensor: Tensor, limits: MemoryLimits): void {
  if (tensor.bytes > limits.maxBindingBytes) {
    throw new LimitError(
      'maxStorageBufferBindingSize',
      tensor.bytes,
      limits.maxBindingBytes,
      tensor.label,
    );
  }
}

export class Arena {
  readonly #heaps: Heap[] = [];
  readonly tensors: Tensor[] = [];

  constructor(
    readonly label: string,
    readonly limits: MemoryLimits,
  ) {}

  /** Bytes of all its buffers. */
  get bytes(): number {
    return this.#heaps.reduce((sum, heap) => sum + heap.bytes, 0);
  }

  get heaps(): readonly Heap[] {
    return this.#heaps;
  }

  /** Places a tensor behind the last one, in the same buffer where it fits. */
  tensor(shape: readonly number[], label: string, type: ElementType = 'f32'): Tensor {
    const tensor = new Tensor(shape, label, type);
    expectBindable(tensor, this.limits);
    const size = aligned(tensor.bytes);
    let heap = this.#heaps.at(-1);
    if (!heap || heap.bytes + size > this.limits.maxBufferBytes) {
      heap = new Heap(`${this.label}.${this.#heaps.length}`);
      this.#heaps.push(heap);
    }
    tensor.place = { heap, offset: heap.bytes };
    heap.bytes += size;
    this.tensors.push(tensor);
    return tensor;
  }

  materialise(device: GPUDevice): void {
    for (const heap of this.#heaps) heap.materialise(device);
  }

  /** Sets every element to zero, as part of `encoder`. */
  clear(encoder: GPUCommandEncoder): void {
    for (const heap of this.#heaps) if (heap.buffer) encoder.clearBuffer(heap.buffer);
  }

  destroy(): void {
    for (const heap of this.#heaps) heap.destroy();
  }
}

/** What sets these tensors to zero as part of an encoder, neighbours together. All have their place. */
export function clearing(tensors: readonly Tensor[]): (encoder: GPUCommandEncoder) => void {
  const stretches: { heap: Heap; offset: number; bytes: number }[] = [];
  for (const tensor of tensors) {
    const { heap, offset } = tensor.place!;
    const bytes = aligned(tensor.bytes);
    const last = stretches.at(-1);
    if (last?.heap === heap && last.offset + last.bytes === offset) last.bytes += bytes;
    else stretches.push({ heap, offset, bytes });
  }
  return (encoder) => {
    for (const { heap, offset, bytes } of stretches)
      encoder.clearBuffer(heap.buffer!, offset, bytes);
  };
}
