/** @file One device a test file, and a small bench around a tape: upload, run, download. */
import { afterAll, beforeAll, expect } from 'vitest';
import { Arena, memoryLimits } from '@/engine/gpu/arena';
import { type OpenDevice, openDevice } from '@/engine/gpu/device';
import { LiveScalars } from '@/engine/gpu/live';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import { Tape } from '@/engine/gpu/tape';
import type { ElementType, Tensor } from '@/engine/gpu/tensor';
import type { Tuning } from '@/engine/gpu/tuning';
import { nodeGpu } from '@/engine/node';

/** A tape with tensors that can be filled and read. */
export class Bench {
  readonly tape: Tape;
  readonly live = new LiveScalars();
  readonly #arenas: Arena[] = [];
  readonly #pool: ActivationPool;
  readonly #uploads: { tensor: Tensor; values: Float32Array | Uint32Array }[] = [];

  constructor(
    readonly open: OpenDevice,
    tuning?: Tuning,
  ) {
    this.tape = new Tape(tuning);
    this.#pool = new ActivationPool(memoryLimits(open.device));
  }

  get device(): GPUDevice {
    return this.open.device;
  }

  /** A persistent tensor with these values. Each lies in a heap of its own, so any dispatch may use it. */
  tensor(
    shape: readonly number[],
    values: ArrayLike<number>,
    type: ElementType = 'f32',
    label = 'test',
  ): Tensor {
    const arena = new Arena(label, memoryLimits(this.device));
    this.#arenas.push(arena);
    const tensor = arena.tensor(shape, label, type);
    this.#uploads.push({
      tensor,
      values: type === 'u32' ? Uint32Array.from(values) : Float32Array.from(values),
    });
    return tensor;
  }

  /**
   * A persistent tensor whose gradient starts at `start`: backward kernels must add to it. Where that is NaN, the first one
   * has to write all of it.
   */
  parameter(
    shape: readonly number[],
    values: ArrayLike<number>,
    start = 1,
  ): { value: Tensor; gradient: Tensor } {
    const value = this.tensor(shape, values);
    const gradient = this.tensor(shape, new Float32Array(value.length).fill(start));
    this.tape.bindGradient(value, gradient, Number.isNaN(start));
    return { value, gradient };
  }

  /** Makes `values` the gradient of an output, as the loss would. */
  seedGradient(output: Tensor, values: ArrayLike<number>): void {
    const gradient = this.tensor(output.shape, values);
    this.tape.bindGradient(output, gradient);
    this.tape.gradientOf(output);
  }

  /** Plans, compiles and runs the tape; activations start as NaN so that unwritten cells fail. */
  async run(): Promise<Program> {
    planActivations(this.tape, this.#pool);
    this.#pool.materialise(this.device);
    for (const heap of this.#pool.heaps) {
      if (heap.buffer)
        this.device.queue.writeBuffer(
          heap.buffer,
          0,
          new Float32Array(heap.bytes / 4).fill(Number.NaN),
        );
    }
    for (const arena of this.#arenas) arena.materialise(this.device);
    for (const { tensor, values } of this.#uploads) this.write(tensor, values);
    this.live.materialise(this.device);
    this.live.flush(this.device.queue);
    const program = await Program.build(this.device, this.tape, this.live);
    program.run();
    await this.open.idle();
    return program;
  }

  write(tensor: Tensor, values: Float32Array | Uint32Array): void {
    this.device.queue.writeBuffer(
      tensor.buffer,
      tensor.offset,
      values as Float32Array<ArrayBuffer>,
    );
  }

  async read(tensor: Tensor): Promise<Float32Array | Uint32Array> {
    return download(this.open, tensor);
  }

  dispose(): void {
    for (const part of [...this.#arenas, this.#pool, this.live]) part.destroy();
  }
}

export async function download(
  { device }: OpenDevice,
  tensor: Tensor,
): Promise<Float32Array | Uint32Array> {
  const readback = new Readback(device, tensor.bytes, 1);
  const encoder = device.createCommandEncoder();
  const shipment = readback.ship(encoder, [tensor]);
  device.queue.submit([encoder.finish()]);
  const [values] = await shipment.arrive();
  readback.destroy();
  return values!;
}

/** Opens one device for the tests of a file; anything that it complained about fails the file. */
export function openLab(): {
  readonly bench: (tuning?: Tuning) => Bench;
  readonly open: () => OpenDevice;
} {
  let open: OpenDevice | undefined;
  const benches: Bench[] = [];
  beforeAll(async () => {
    open = await openDevice(nodeGpu());
  });
  afterAll(() => {
    for (const bench of benches) bench.dispose();
    expect(() => open?.check()).not.toThrow();
    open?.close();
  });
  return {
    open: () => open!,
    bench: (tuning) => {
      const bench = new Bench(open!, tuning);
      benches.push(bench);
      return bench;
    },
  };
}
