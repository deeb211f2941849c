/** @file Finds the first tensor of a step that is not finite: the step again, with a count behind every dispatch. */
import { Arena } from '@/engine/gpu/arena';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { notFinite } from '@/engine/ops/notFinite';
import type { Session } from './session';

/** Where a step went wrong. */
export interface Diagnosis {
  /** Label of the tensor, with its layer where it belongs to one. */
  readonly tensor: string;
  readonly kernel: string;
}

/** Flags stand this many elements apart, so that each can be bound on its own. */
const STRIDE = 64;

/**
 * Runs the step whose batch and live scalars are still on the device. The run must be halted, so that nothing
 * is updated. Undefined where every tensor is finite this time.
 */
export async function diagnose(session: Session): Promise<Diagnosis | undefined> {
  const { device } = session.open;
  const { state, step } = session.assembly;
  const { limits } = state.pool;
  const arena = new Arena('not finite', limits);
  const tape = new Tape();
  const seen: { tensor: Tensor; kernel: string }[] = [];
  const dispatches = step.dispatches.filter(({ section }) => section === undefined);
  const written = dispatches.map(({ kernel, tensors }) =>
    Object.entries(tensors)
      .filter(([name, { type }]) => kernel.buffers[name] === 'read_write' && type === 'f32')
      .map(([, tensor]) => tensor),
  );
  const count = written.reduce((sum, tensors) => sum + tensors.length, 0);
  const flags = arena.tensor([Math.max(1, count) * STRIDE], 'not finite', 'u32');
  dispatches.forEach((dispatch, i) => {
    tape.dispatches.push(dispatch);
    for (const tensor of written[i]!) {
      const flag = flags.slice(seen.length * STRIDE, [1]);
      notFinite(tape, tensor.view([tensor.length]), flag);
      seen.push({ tensor, kernel: dispatch.kernel.name });
    }
  });
  const pool = new ActivationPool(limits);
  planActivations(tape, pool);
  for (const part of [arena, pool]) part.materialise(device);
  const program = await Program.build(device, tape, state.live);
  const readback = new Readback(device, flags.bytes, 1);
  let shipment: ReturnType<Readback['ship']> | undefined;
  program.run({
    before: (encoder) => state.weights.gradients.clear(encoder),
    after: (encoder) => {
      shipment = readback.ship(encoder, [flags]);
    },
  });
  const [values] = await shipment!.arrive();
  for (const part of [program, readback, arena, pool]) part.destroy();
  const first = seen.findIndex((_, i) => values![i * STRIDE]! > 0);
  return first < 0 ? undefined : { tensor: seen[first]!.tensor.label, kernel: seen[first]!.kernel };
}
