/**
 * @file The variants of one question, made ready to be timed against each other: the op as the engine records it, over
 * random tensors of about the size that was asked for. Whoever wins has to give the bits of today's choice as well: all
 * variants are written to, but an adapter, or its compiler, may sum in an order of its own.
 */
import { Arena, memoryLimits } from '@/engine/gpu/arena';
import { repeatedMs, type Timed } from '@/engine/gpu/clock';
import type { OpenDevice } from '@/engine/gpu/device';
import type { Dispatch } from '@/engine/gpu/dispatch';
import { LiveScalars } from '@/engine/gpu/live';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import { Tape } from '@/engine/gpu/tape';
import type { ElementType, Tensor } from '@/engine/gpu/tensor';

/** What a contest is about: the same work by each of several variants. */
export interface Subject {
  /** The choice of today first: another one has to beat it. */
  readonly variants: readonly string[];
  /** The tensors that all variants share, by their lengths. */
  readonly inputs: readonly Input[];
  /** Records the work and returns the index of the first dispatch that is timed. */
  record(tape: Tape, inputs: readonly Tensor[], variant: string): number;
}

export interface Input {
  readonly shape: readonly number[];
  readonly type?: ElementType;
  /** Random unless said. */
  readonly values?: Uint32Array<ArrayBuffer>;
}

interface Entrant {
  readonly variant: string;
  readonly program: Program;
  readonly timed: Timed;
  /** Shortest time so far, ms. */
  least: number;
}

/** A pass should last about this long, ms, but never more repetitions than that. */
const PASS_MS = { graphics: 4, software: 6 };
const MOST_REPEATS = 100;
const ROUNDS = 3;
/** Who takes this many times as long as the fastest in a round sits the others out. */
const HOPELESS = 1.6;
/** Time is noisy: today's choice goes only for one that takes no more than this share of its time. */
const CLEARLY = 0.93;

/** Random numbers from -1 to 1. Longer tensors repeat them; the length is a prime, so no row repeats another's. */
const NOISE = noise(65_521);

function noise(length: number): Float32Array<ArrayBuffer> {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes, 2nd edition, section 7.1
    return state / 2 ** 31 - 1;
  });
}

export class Contest {
  private constructor(
    readonly open: OpenDevice,
    readonly entrants: Entrant[],
    /** What the timed dispatches write, of the tensors that all share. */
    readonly results: readonly Tensor[],
    readonly memory: readonly { destroy(): void }[],
  ) {}

  /** Makes the buffers and compiles all variants, in parallel. */
  static async open(open: OpenDevice, subject: Subject): Promise<Contest> {
    const { device } = open;
    // Each in a buffer of its own: WebGPU counts usage by whole buffer.
    const arenas = subject.inputs.map(() => new Arena('contest', memoryLimits(device)));
    const tensors = subject.inputs.map(({ shape, type = 'f32' }, i) =>
      arenas[i]!.tensor(shape, 'contest', type),
    );
    const pool = new ActivationPool(memoryLimits(device));
    const live = new LiveScalars();
    const recorded = subject.variants.map((variant) => {
      const tape = new Tape();
      const first = subject.record(tape, tensors, variant);
      // The timed part runs alone and again: nothing that it reads may lie where it writes.
      for (const dispatch of tape.dispatches) {
        for (const tensor of Object.values(dispatch.tensors)) tape.keep(tensor);
      }
      planActivations(tape, pool);
      return { variant, tape, first };
    });
    for (const part of [...arenas, pool, live]) part.materialise(device);
    subject.inputs.forEach(({ type, values }, i) => {
      if (values) device.queue.writeBuffer(tensors[i]!.buffer, tensors[i]!.offset, values);
      else if (type !== 'u32') fill(device, tensors[i]!);
    });
    const entrants = await Promise.all(
      recorded.map(async ({ variant, tape, first }): Promise<Entrant> => {
        const program = await Program.build(device, tape, live);
        const actions = program.actions.filter(({ index }) => index >= first);
        const timed = { device, actions, idle: () => open.idle() };
        return { variant, program, timed, least: Number.POSITIVE_INFINITY };
      }),
    );
    const written = new Set(
      recorded.flatMap(({ tape, first }) => tape.dispatches.slice(first).flatMap(writtenBy)),
    );
    const results = tensors.filter((tensor) => written.has(tensor));
    return new Contest(open, entrants, results, [...arenas, pool, live]);
  }

  /** The fastest variant; undefined where the time ran out before all had their turn. */
  async winner(isOver: () => boolean): Promise<string | undefined> {
    let still = this.entrants;
    for (let round = 0; round < ROUNDS && still.length > 1; round++) {
      for (const entrant of still) {
        if (isOver()) return round === 0 ? undefined : await this.#chosen();
        entrant.least = Math.min(entrant.least, await this.#time(entrant));
      }
      const best = Math.min(...still.map(({ least }) => least));
      still = still.filter(({ least }) => least <= HOPELESS * best);
    }
    return this.#chosen();
  }

  /** The fastest of those that give today's bits, where it is clearly faster. */
  async #chosen(): Promise<string> {
    const [today, ...others] = this.entrants;
    const faster = others
      .filter(({ least }) => least < CLEARLY * today!.least)
      .sort((a, b) => a.least - b.least);
    const want = faster.length > 0 ? await this.#bits(today!) : [];
    for (const entrant of faster) {
      if (isSame(await this.#bits(entrant), want)) return entrant.variant;
    }
    return today!.variant;
  }

  /** What a variant makes of the inputs, over whatever stood there before. */
  async #bits({ program }: Entrant): Promise<Uint32Array[]> {
    const { device } = this.open;
    for (const tensor of this.results) fill(device, tensor);
    const bytes = this.results.reduce((sum, tensor) => sum + tensor.bytes, 0);
    const readback = new Readback(device, bytes, 1);
    try {
      program.run();
      const encoder = device.createCommandEncoder();
      const shipment = readback.ship(encoder, this.results);
      device.queue.submit([encoder.finish()]);
      await this.open.idle(); // tells a lost device as such
      return (await shipment.arrive()).map(({ buffer }) => new Uint32Array(buffer));
    } finally {
      readback.destroy();
    }
  }

  async #time({ program, timed }: Entrant): Promise<number> {
    program.run(); // what the timed part reads, and warm caches
    const once = await repeatedMs(timed, 1);
    const pass = PASS_MS[this.open.info.isSoftware ? 'software' : 'graphics'];
    const repeats = Math.min(MOST_REPEATS, Math.floor(pass / Math.max(once, 1e-3)));
    return repeats > 1 ? (await repeatedMs(timed, repeats)) / repeats : once;
  }

  close(): void {
    for (const { program } of this.entrants) program.destroy();
    for (const part of this.memory) part.destroy();
  }
}

function fill({ queue }: GPUDevice, { buffer, offset, bytes }: Tensor): void {
  for (let done = 0; done < bytes; done += NOISE.byteLength) {
    const length = Math.min(NOISE.byteLength, bytes - done) / NOISE.BYTES_PER_ELEMENT;
    queue.writeBuffer(buffer, offset + done, NOISE, 0, length);
  }
}

const writtenBy = ({ kernel, tensors }: Dispatch): Tensor[] =>
  Object.entries(tensors)
    .filter(([name]) => kernel.buffers[name] === 'read_write')
    .map(([, tensor]) => tensor);

const isSame = (some: readonly Uint32Array[], others: readonly Uint32Array[]): boolean =>
  some.every((bits, i) => bits.every((word, j) => word === others[i]![j]));
