/** @file Brings tensors back through a ring of staging buffers, so that no step waits for a copy. */
import type { Tensor } from './tensor';

interface Slot {
  readonly buffer: GPUBuffer;
  isBusy: boolean;
}

/** Copies in flight: resolve `arrive` when the bytes are there. */
export interface Shipment {
  /** One array for each tensor, in order; the arrays are the caller's. */
  arrive(): Promise<(Float32Array | Uint32Array)[]>;
}

export class Readback {
  readonly #slots: Slot[];

  /** @param bytes of one slot: the sum of the tensors that one shipment may hold. */
  constructor(
    device: GPUDevice,
    readonly bytes: number,
    slots = 4,
  ) {
    this.#slots = Array.from({ length: slots }, (_, i) => ({
      buffer: device.createBuffer({
        label: `readback.${i}`,
        size: Math.max(16, bytes),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      }),
      isBusy: false,
    }));
  }

  /** Bytes of all slots. */
  get totalBytes(): number {
    return this.#slots.reduce((sum, { buffer }) => sum + buffer.size, 0);
  }

  /** Whether a shipment can start now. */
  get isReady(): boolean {
    return this.#slots.some(({ isBusy }) => !isBusy);
  }

  /**
   * Encodes the copies of `tensors`; call `arrive` after the submit.
   * @throws {Error} when all slots are in flight: the caller runs too far ahead.
   */
  ship(encoder: GPUCommandEncoder, tensors: readonly Tensor[]): Shipment {
    const slot = this.#slots.find(({ isBusy }) => !isBusy);
    if (!slot) throw new Error('readback: all slots are in flight');
    slot.isBusy = true;
    let end = 0;
    const offsets = tensors.map((tensor) => {
      const offset = end;
      encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, slot.buffer, offset, tensor.bytes);
      end += tensor.bytes;
      return offset;
    });
    return {
      arrive: async () => {
        await slot.buffer.mapAsync(GPUMapMode.READ, 0, Math.max(4, end));
        const bytes = slot.buffer.getMappedRange(0, Math.max(4, end));
        const arrays = tensors.map(({ type, length }, i) =>
          type === 'u32'
            ? new Uint32Array(bytes, offsets[i], length).slice()
            : new Float32Array(bytes, offsets[i], length).slice(),
        );
        slot.buffer.unmap();
        slot.isBusy = false;
        return arrays;
      },
    };
  }

  destroy(): void {
    for (const { buffer } of this.#slots) buffer.destroy();
  }
}
