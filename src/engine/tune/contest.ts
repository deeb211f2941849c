/**
 * @file The variants of one question, made ready to be timed against each other: the op as the engine records it, over
 * tensors of zeros of about the size that was asked for.
 */
import { Arena, memoryLimits } from '@/engine/gpu/arena';
import { repeatedMs, type Timed } from '@/engine/gpu/clock';
import type { OpenDevice } from '@/engine/gpu/device';
import { LiveScalars } from '@/engine/gpu/live';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
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
  /** Zeros unless said. */
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

export class Contest {
  private constructor(
    readonly open: OpenDevice,
    readonly entrants: Entrant[],
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
    subject.inputs.forEach(({ values }, i) => {
      if (values) device.queue.writeBuffer(tensors[i]!.buffer, tensors[i]!.offset, values);
    });
    const entrants = await Promise.all(
      recorded.map(async ({ variant, tape, first }): Promise<Entrant> => {
        const program = await Program.build(device, tape, live);
        const actions = program.actions.filter(({ index }) => index >= first);
        const timed = { device, actions, idle: () => open.idle() };
        return { variant, program, timed, least: Number.POSITIVE_INFINITY };
      }),
    );
    return new Contest(open, entrants, [...arenas, pool, live]);
  }

  /** The fastest variant; undefined where the time ran out before all had their turn. */
  async winner(isOver: () => boolean): Promise<string | undefined> {
    let still = this.entrants;
    for (let round = 0; round < ROUNDS && still.length > 1; round++) {
      for (const entrant of still) {
        if (isOver()) return round === 0 ? undefined : this.#fastest();
        entrant.least = Math.min(entrant.least, await this.#time(entrant));
      }
      const best = Math.min(...still.map(({ least }) => least));
      still = still.filter(({ least }) => least <= HOPELESS * best);
    }
    return this.#fastest();
  }

  #fastest(): string {
    const [today, ...others] = this.entrants;
    const best = others.reduce((a, b) => (b.least < a.least ? b : a), today!);
    return best.least < CLEARLY * today!.least ? best.variant : today!.variant;
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
