/** @file A run's state in the host's memory: what device loss and a spoiled step go back to. */
import type { Arena } from '@/engine/gpu/arena';
import { DeviceLostError } from '@/engine/gpu/errors';
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

/** Part of a run's state on its way back. */
export interface Piece {
  /** A stretch of a heap, or one tensor of the router's state. */
  readonly tensor: Tensor;
  /** Its values, to be asked for once; what the copy took on the device is free afterwards. */
  arrive(): Promise<Float32Array>;
  /** Frees the copy where nobody wants it. */
  discard(): void;
}

/** Weights, moments and router state: what the next step depends on, apart from the data. */
function parts({ assembly: { state } }: Session): Tensor[] {
  const { weights, moments1, moments2 } = state.weights;
  return [...Object.values(state.router), ...[weights, moments1, moments2].flatMap(pieces)];
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
 * Copies the state on the device, the router's first. The copies stand in the queue where this was called, so steps
 * submitted later do not show in them.
 */
export function copyState(session: Session): Piece[] {
  const { device } = session.open;
  return parts(session).map((tensor) => {
    const readback = new Readback(device, tensor.bytes, 1);
    const encoder = device.createCommandEncoder();
    const shipment = readback.ship(encoder, [tensor]);
    device.queue.submit([encoder.finish()]);
    const arrive = async () => {
      try {
        const [values] = await shipment.arrive();
        return values as Float32Array;
      } catch {
        throw new DeviceLostError('The device was lost before the state of the run was read.');
      } finally {
        readback.destroy();
      }
    };
    return { tensor, arrive, discard: () => readback.destroy() };
  });
}

/** Reads the state back, as `copyState`. */
export async function saveCheckpoint(
  session: Session,
  step: number,
  cursor: unknown,
  stability: StabilityState | Promise<StabilityState>,
): Promise<Checkpoint> {
  const arrivals = copyState(session).map((piece) => piece.arrive());
  const [state, ...buffers] = await Promise.all([stability, ...arrivals]);
  return { step, cursor, stability: state, buffers };
}

/** Puts a checkpoint of an equal run back on the device. */
export async function restoreCheckpoint(session: Session, { buffers }: Checkpoint): Promise<void> {
  parts(session).forEach(({ buffer, offset }, i) => {
    session.open.device.queue.writeBuffer(buffer, offset, buffers[i] as Float32Array<ArrayBuffer>);
  });
  session.stepper.clearHalt();
  await session.stepper.refreshCopies();
}
