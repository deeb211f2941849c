/** @file A run's state in the host's memory: what device loss and a spoiled step go back to. */
import type { Arena } from '@/engine/gpu/arena';
import { Readback } from '@/engine/gpu/readback';
import { Tensor } from '@/engine/gpu/tensor';
import type { Session } from './session';
import type { StabilityState } from './stability';

export interface Checkpoint {
  /** Finished steps. */
  readonly step: number;
  /** Where the data stream goes on. */
  readonly cursor: unknown;
  /** What the figures of later steps look back on. */
  readonly stability: StabilityState;
  /** Contents of every persistent buffer, in a fixed order. */
  readonly buffers: readonly Float32Array[];
}

/** Bytes that one read-back takes at a time. */
const PIECE_BYTES = 64 * 2 ** 20;

/** Weights, moments and router state: what the next step depends on, apart from the data. */
function parts({ assembly: { state } }: Session): Tensor[] {
  const { weights, moments1, moments2 } = state.weights;
  return [...[weights, moments1, moments2].flatMap(pieces), ...Object.values(state.router)];
}

function pieces({ heaps }: Arena): Tensor[] {
  return heaps.flatMap((heap) => {
    const found: Tensor[] = [];
    for (let offset = 0; offset < heap.bytes; offset += PIECE_BYTES) {
      const tensor = new Tensor([Math.min(PIECE_BYTES, heap.bytes - offset) / 4], heap.label);
      tensor.place = { heap, offset };
      found.push(tensor);
    }
    return found;
  });
}

/** Bytes of one checkpoint. */
export const checkpointBytes = (session: Session): number =>
  parts(session).reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Reads the state back. The copies stand in the queue where this was called, so steps submitted later do not
 * show in it.
 */
export async function saveCheckpoint(
  session: Session,
  step: number,
  cursor: unknown,
  stability: StabilityState | Promise<StabilityState>,
): Promise<Checkpoint> {
  const { device } = session.open;
  const shipments = parts(session).map((tensor) => {
    const readback = new Readback(device, tensor.bytes, 1);
    const encoder = device.createCommandEncoder();
    const shipment = readback.ship(encoder, [tensor]);
    device.queue.submit([encoder.finish()]);
    return { readback, shipment };
  });
  const arrivals = shipments.map(async ({ readback, shipment }) => {
    const [values] = await shipment.arrive();
    readback.destroy();
    return values as Float32Array;
  });
  const [state, ...buffers] = await Promise.all([stability, ...arrivals]);
  return { step, cursor, stability: state, buffers };
}

/** Puts a checkpoint of an equal run back on the device. */
export function restoreCheckpoint(session: Session, { buffers }: Checkpoint): void {
  parts(session).forEach(({ buffer, offset }, i) => {
    session.open.device.queue.writeBuffer(buffer, offset, buffers[i] as Float32Array<ArrayBuffer>);
  });
  session.stepper.clearHalt();
}
