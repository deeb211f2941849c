/**
 * @file What one case stands on: a tape, tensors with values, and a mark where the timed part begins. Everything
 * is the engine's: the same tape, planner and programs as in training.
 */
import { Arena, memoryLimits } from '@/engine/gpu/arena';
import type { Timed } from '@/engine/gpu/clock';
import type { OpenDevice } from '@/engine/gpu/device';
import { LiveScalars } from '@/engine/gpu/live';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Tape } from '@/engine/gpu/tape';
import type { ElementType, Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, type Tuning } from '@/engine/gpu/tuning';
import { generator } from './peers/problem.mjs';

export class Workbench {
  readonly tape: Tape;
  readonly live = new LiveScalars();
  readonly #random = generator(1);
  readonly #arenas: Arena[] = [];
  readonly #pool: ActivationPool;
  /** Values are made when they are sent: a recording alone needs none. */
  readonly #uploads: { tensor: Tensor; values: () => Float32Array | Uint32Array }[] = [];
  #isTimed: (index: number) => boolean = () => true;

  /** @param tuning which kernels its ops take. */
  constructor(
    readonly open: OpenDevice,
    tuning: Tuning = fixedTuning,
  ) {
    this.tape = new Tape(tuning);
    this.#pool = new ActivationPool(memoryLimits(open.device));
  }

  /** A tensor that outlives the program, in a buffer of its own; zeros unless values are given. */
  tensor(shape: readonly number[], type: ElementType = 'f32', values?: ArrayLike<number>): Tensor {
    const arena = new Arena('bench', memoryLimits(this.open.device));
    this.#arenas.push(arena);
    const tensor = arena.tensor(shape, 'bench', type);
    if (values) {
      this.#uploads.push({
        tensor,
        values: () => (type === 'u32' ? Uint32Array.from(values) : Float32Array.from(values)),
      });
    }
    return tensor;
  }

  /** Small numbers of both signs. */
  noise(shape: readonly number[]): Tensor {
    const tensor = this.tensor(shape);
    const values = () => Float32Array.from({ length: tensor.length }, () => this.#random() - 0.5);
    this.#uploads.push({ tensor, values });
    return tensor;
  }

  /** Noise with a gradient that outlives the program. */
  parameter(shape: readonly number[]): Tensor {
    const value = this.noise(shape);
    this.tape.bindGradient(value, this.tensor(shape));
    return value;
  }

  /** Gives an output the gradient that a loss would. */
  seedGradient(output: Tensor): void {
    this.tape.bindGradient(output, this.noise(output.shape));
    this.tape.gradientOf(output);
  }

  /** What is recorded from here on is timed; what was before runs once. */
  startTiming(): void {
    const first = this.tape.dispatches.length;
    this.#isTimed = (index) => index >= first;
  }

  /** Only one dispatch is timed, the `index`-th that was recorded. */
  timeOnly(index: number): void {
    this.#isTimed = (other) => other === index;
  }

  /** Dispatches that are timed, of those recorded so far. */
  get timedCount(): number {
    return this.tape.dispatches.filter((_, index) => this.#isTimed(index)).length;
  }

  /** Plans, compiles, runs everything once and gives what is to be timed. */
  async ready(): Promise<Timed> {
    const { device } = this.open;
    // The timed part runs alone and again: nothing that it reads may lie where it writes.
    for (const { tensors } of this.tape.dispatches) {
      for (const tensor of Object.values(tensors)) this.tape.keep(tensor);
    }
    planActivations(this.tape, this.#pool);
    for (const part of [...this.#arenas, this.#pool, this.live]) part.materialise(device);
    for (const { tensor, values } of this.#uploads) {
      const typed = values() as Float32Array<ArrayBuffer>;
      device.queue.writeBuffer(tensor.buffer, tensor.offset, typed);
    }
    this.live.flush(device.queue);
    const program = await Program.build(device, this.tape, this.live);
    program.run();
    await this.open.idle();
    const actions = program.actions.filter(({ index }) => this.#isTimed(index));
    return { device, actions, idle: () => this.open.idle() };
  }

  destroy(): void {
    for (const part of [...this.#arenas, this.#pool, this.live]) part.destroy();
  }
}
