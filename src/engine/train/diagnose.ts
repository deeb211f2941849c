/** @file Finds the first tensor of a step that is not finite: the step again, with a count behind every dispatch. */
import { Arena } from '@/engine/gpu/arena';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { notFinite } from '@/engine/ops/notFinite';
import type { Session } from './session';
import type { StepInputs } from './stepper';

/** Where a step went wrong. */
export interface Diagnosis {
  /** Label of the tensor, with its layer where it belongs to one. */
  readonly tensor: string;
  readonly kernel: string;
}

/** Flags stand this many elements apart, so that each can be bound on its own. */
const STRIDE = 64;

/**
 * Repeats a step, micro-batch by micro-batch, then its update. The run must be halted, so that nothing is updated.
 * Undefined where every tensor is finite this time.
 */
export async function diagnose(
  session: Session,
  inputs: StepInputs,
): Promise<Diagnosis | undefined> {
  const { stepper, assembly } = session;
  const { state, step } = assembly;
  stepper.setLive(inputs);
  const micro = await Inspection.of(session, step.microBatch);
  try {
    for (const index of inputs.batches.keys()) {
      stepper.bring(inputs, index);
      const found = await micro.run((encoder) => index === 0 && state.clearStep(encoder));
      if (found) return found;
    }
  } finally {
    micro.destroy();
  }
  const update = await Inspection.of(session, step.update);
  try {
    return await update.run();
  } finally {
    update.destroy();
  }
}

/** What a dispatch wrote, and the kernel that did. */
interface Written {
  readonly tensor: Tensor;
  readonly kernel: string;
}

/** One half of a step with a count of what is not finite behind every dispatch, in memory of its own. */
class Inspection {
  private constructor(
    readonly program: Program,
    readonly written: readonly Written[],
    readonly flags: Tensor,
    readonly readback: Readback,
    readonly memory: readonly [Arena, ActivationPool],
  ) {}

  static async of({ open, assembly }: Session, recorded: Tape): Promise<Inspection> {
    const { pool, live } = assembly.state;
    const arena = new Arena('not finite', pool.limits);
    const tape = new Tape();
    const dispatches = recorded.dispatches.filter(({ section }) => section === undefined);
    const written = dispatches.map(({ kernel, tensors }): Written[] =>
      Object.entries(tensors)
        .filter(([name, { type }]) => kernel.buffers[name] === 'read_write' && type !== 'u32')
        .map(([, tensor]) => ({ tensor, kernel: kernel.name })),
    );
    const count = written.flat().length;
    const flags = arena.tensor([Math.max(1, count) * STRIDE], 'not finite', 'u32');
    let seen = 0;
    dispatches.forEach((dispatch, i) => {
      tape.dispatches.push(dispatch);
      for (const { tensor } of written[i]!) {
        notFinite(tape, tensor.view([tensor.length]), flags.slice(seen++ * STRIDE, [1]));
      }
    });
    const scratch = new ActivationPool(pool.limits);
    planActivations(tape, scratch);
    for (const part of [arena, scratch]) part.materialise(open.device);
    const program = await Program.build(open.device, tape, live);
    const readback = new Readback(open.device, flags.bytes, 1);
    return new Inspection(program, written.flat(), flags, readback, [arena, scratch]);
  }

  /** The first tensor that is not finite after one run. */
  async run(before?: (encoder: GPUCommandEncoder) => void): Promise<Diagnosis | undefined> {
    let shipment: ReturnType<Readback['ship']> | undefined;
    this.program.run({
      ...(before ? { before } : {}),
      after: (encoder) => {
        shipment = this.readback.ship(encoder, [this.flags]);
      },
    });
    const [values] = await shipment!.arrive();
    const first = this.written.find((_, i) => values![i * STRIDE]! > 0);
    return first && { tensor: first.tensor.label, kernel: first.kernel };
  }

  destroy(): void {
    for (const part of [this.program, this.readback, ...this.memory]) part.destroy();
  }
}
