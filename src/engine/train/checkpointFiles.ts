/** @file A run's state as the files of a Hugging Face folder, and back onto the device. */
import { huggingFaceConfig } from '@/engine/config/huggingFaceConfig';
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { type CheckpointTensor, checkpointTensors } from '@/engine/files/checkpoint';
import { optimizerNames, type Part } from '@/engine/files/match';
import { biasNames, hasBiases } from '@/engine/files/names';
import {
  CONFIG_FILE,
  MODEL_STEM,
  OPTIMIZER_STEM,
  type ReadCheckpoint,
} from '@/engine/files/readCheckpoint';
import { float32Range, type SafeTensor, toFloat32 } from '@/engine/files/safetensors';
import { layOutSafetensors, type TensorToWrite } from '@/engine/files/safetensorsWriter';
import { TRAINER_FILE, type TrainerState, writeTrainerFile } from '@/engine/files/trainerFile';
import type { Heap, Tensor } from '@/engine/gpu/tensor';
import { parameterSpecs } from '@/engine/model/parameters';
import type { Piece } from './checkpoint';
import type { CheckpointFiles } from './commands';
import type { Session } from './session';
import type { RunState } from './state';

/** A run between two steps; `pieces` are on their way. */
export interface Snapshot {
  readonly trainer: TrainerState;
  readonly settings: Settings;
  readonly state: RunState;
  readonly pieces: readonly Piece[];
}

/** A part of the state and the bytes of a file that it fills. */
interface Target {
  readonly heap: Heap;
  /** Bytes from the start of the heap. */
  readonly offset: number;
  readonly place: Uint8Array;
}

/**
 * Writes a snapshot piece by piece into files that were laid out before, so that beside the files there is never
 * more of it in memory than one piece.
 */
export async function checkpointFiles(snapshot: Snapshot): Promise<CheckpointFiles> {
  const { trainer, settings, state, pieces } = snapshot;
  const { bias_LE, momentum_LE, update_LE } = state.router;
  const routers = new Set<Tensor>([bias_LE, momentum_LE, update_LE]);
  const router = new Map<Tensor, Float32Array>();
  for (const piece of pieces) {
    if (routers.has(piece.tensor)) router.set(piece.tensor, await piece.arrive());
  }
  const rows = (tensor: Tensor) => rowsOf(settings.model, router.get(tensor)!);
  const model = modelTensors(settings.model, state, rows(bias_LE));
  const optimizer = optimizerTensors(settings.model, state, rows(bias_LE), rows(momentum_LE));
  const laidOut = [
    { ...layOutSafetensors(MODEL_STEM, model), tensors: model },
    { ...layOutSafetensors(OPTIMIZER_STEM, optimizer), tensors: optimizer },
  ];
  const targets = laidOut.flatMap(({ places, tensors }) => targetsOf(tensors, places));
  for (const piece of pieces) {
    if (!routers.has(piece.tensor)) fill(targets, piece.tensor, await piece.arrive());
  }
  const config = new TextEncoder().encode(JSON.stringify(huggingFaceConfig(settings), null, 2));
  return new Map([
    [CONFIG_FILE, config],
    [TRAINER_FILE, writeTrainerFile(trainer)],
    ...laidOut.flatMap(({ files }) => [...files]),
  ]);
}

/** A tensor of a file, and where its values come from: a stretch of the state, or values at hand. */
interface Written extends TensorToWrite {
  readonly from: { readonly tensor: Tensor; readonly start: number } | Float32Array;
}

/** One row for each mixture layer. */
function rowsOf(model: Settings['model'], values_LE: Float32Array): Float32Array[] {
  const E = model.expertCount;
  return mixtureLayers(model).map((_, row) => values_LE.subarray(row * E, (row + 1) * E));
}

function modelTensors(
  model: Settings['model'],
  state: RunState,
  biases: readonly Float32Array[],
): Written[] {
  const weights = parameterSpecs(model).flatMap((spec) => {
    const { weight } = state.weights.entry(spec.name);
    return checkpointTensors(model, spec).map((part) => written(part, weight));
  });
  const names = biasNames(model);
  const moved = biases.flatMap((from, row) =>
    hasBiases(model) || from.some((bias) => bias !== 0)
      ? [{ name: names[row]!, shape: [model.expertCount], from }]
      : [],
  );
  return [...weights, ...moved];
}

function optimizerTensors(
  model: Settings['model'],
  state: RunState,
  biases: readonly Float32Array[],
  momenta: readonly Float32Array[],
): Written[] {
  const moments = parameterSpecs(model).flatMap((spec) => {
    const { moment1, moment2 } = state.weights.entry(spec.name);
    return checkpointTensors(model, spec).flatMap((part) => {
      const first = written({ ...part, name: optimizerNames.moment1(part.name) }, moment1);
      if (!moment2) return [first];
      return [first, written({ ...part, name: optimizerNames.moment2(part.name) }, moment2)];
    });
  });
  const shape = [model.expertCount];
  const routers = mixtureLayers(model).flatMap((layer, row) => [
    { name: optimizerNames.bias(layer), shape, from: biases[row]! },
    { name: optimizerNames.momentum(layer), shape, from: momenta[row]! },
  ]);
  return [...moments, ...routers];
}

const written = ({ name, shape, start }: CheckpointTensor, tensor: Tensor): Written => ({
  name,
  shape,
  from: { tensor, start },
});

/** Fills the places of values at hand, and tells where the others go. */
function targetsOf(tensors: readonly Written[], places: ReadonlyMap<string, Uint8Array>): Target[] {
  return tensors.flatMap(({ name, from }) => {
    const place = places.get(name)!;
    if (from instanceof Float32Array) {
      place.set(new Uint8Array(from.buffer, from.byteOffset, from.byteLength));
      return [];
    }
    const { heap, offset } = from.tensor.place!;
    return [{ heap, offset: offset + 4 * from.start, place }];
  });
}

/** Puts the bytes of one stretch of a heap wherever they go. */
function fill(targets: readonly Target[], tensor: Tensor, values: Float32Array): void {
  const { heap, offset: start } = tensor.place!;
  const end = start + tensor.bytes;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (const target of targets) {
    if (target.heap !== heap) continue;
    const from = Math.max(start, target.offset);
    const to = Math.min(end, target.offset + target.place.byteLength);
    if (from < to) target.place.set(bytes.subarray(from - start, to - start), from - target.offset);
  }
}

/** Elements brought to the device in one go: what the values of narrower types take beside the files. */
const CHUNK = 2 ** 24;

/** Puts a checkpoint on the device, over the start of a run with equal settings. */
export async function restoreFiles(session: Session, checkpoint: ReadCheckpoint): Promise<void> {
  const { state } = session.assembly;
  const { weights, optimizer } = checkpoint;
  for (const { spec, weight, moment1, moment2 } of state.weights.entries()) {
    await upload(session, weight, weights.weights.get(spec.name));
    await upload(session, moment1, optimizer?.moment1.get(spec.name));
    if (moment2) await upload(session, moment2, optimizer?.moment2.get(spec.name));
  }
  const { bias_LE, momentum_LE } = state.router;
  uploadRows(session, bias_LE, optimizer?.biases ?? weights.biases);
  uploadRows(session, momentum_LE, optimizer?.momenta ?? []);
  await session.stepper.refreshCopies();
}

/** Leaves what is there where there are no parts. */
async function upload(
  { open: { device } }: Session,
  { buffer, offset }: Tensor,
  parts: readonly Part[] = [],
): Promise<void> {
  let waiting = 0;
  for (const { source, from, to, length } of parts) {
    for (let done = 0; done < length; done += CHUNK) {
      const count = Math.min(CHUNK, length - done);
      const values = float32Range(source, from + done, count) as Float32Array<ArrayBuffer>;
      device.queue.writeBuffer(buffer, offset + 4 * (to + done), values);
      waiting += count;
      if (waiting < CHUNK) continue;
      // What was written waits in a second memory until the queue has taken it.
      await device.queue.onSubmittedWorkDone();
      waiting = 0;
    }
  }
}

function uploadRows(
  { open: { device } }: Session,
  { buffer, offset, shape }: Tensor,
  rows: readonly (SafeTensor | undefined)[],
): void {
  const rowBytes = 4 * shape[1]!;
  rows.forEach((row, i) => {
    if (!row) return;
    const values = toFloat32(row) as Float32Array<ArrayBuffer>;
    device.queue.writeBuffer(buffer, offset + i * rowBytes, values);
  });
}
