/** @file Reads a golden folder: a small model, its batches, and what PyTorch in float64 made of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { readSafetensors, toFloat32 } from '@/engine/files/safetensors';
import type { CheckpointFiles } from '@/engine/train/commands';
import { type ReplayFolder, readReplayFolder } from '@/engine/train/replayFolder';
import type { ReplayStep } from '@/engine/train/replayStep';

const root = new URL('../goldens/', import.meta.url);

/** Every golden folder of the project. */
export const goldenNames: readonly string[] = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export interface Golden {
  readonly folder: ReplayFolder;
  /** The weights before the first step, by checkpoint name. */
  readonly initial: ReadonlyMap<string, Float32Array>;
  readonly expected: ReadonlyMap<string, Float32Array>;
  readonly steps: readonly ReplayStep[];
}

/** Files of a golden folder that a replay starts from. */
export const goldenFiles = (name: string): CheckpointFiles =>
  new Map(
    ['config.json', 'model.safetensors', 'train.json', 'batch.json'].map((file) => [
      file,
      new Uint8Array(readFileSync(new URL(`${name}/${file}`, root))),
    ]),
  );

export function readGolden(name: string): Golden {
  const file = (path: string) => readFileSync(new URL(`${name}/${path}`, root));
  const tensors = (path: string) =>
    new Map([...readSafetensors(file(path))].map(([key, tensor]) => [key, toFloat32(tensor)]));
  return {
    folder: readReplayFolder(goldenFiles(name)),
    initial: tensors('model.safetensors'),
    expected: tensors('expected.safetensors'),
    steps: JSON.parse(file('expected.json').toString()).steps,
  };
}
