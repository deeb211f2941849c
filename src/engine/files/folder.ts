/** @file The files of a checkpoint folder: JSON, and tensors in one file or in shards with an index. */
import { CheckpointError } from './checkpointError';
import { quoted, readSafetensors, type SafeTensor, SafetensorsError } from './safetensors';

/** File name to contents. */
export type Folder = ReadonlyMap<string, Uint8Array>;

/** @throws {CheckpointError} where there is no such file, or it holds no JSON object. */
export function readJson(folder: Folder, fileName: string): Readonly<Record<string, unknown>> {
  const bytes = folder.get(fileName);
  if (!bytes) throw new CheckpointError(`${fileName} is missing.`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // told below, as for any other file that holds no object
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CheckpointError(`${fileName}: is no JSON object.`);
  }
  return value as Record<string, unknown>;
}

/**
 * Every tensor of `stem`.safetensors, or of its shards.
 * @throws {CheckpointError} where a file is missing, cannot be read, or does not hold what the index says.
 */
export function readTensors(folder: Folder, stem: string): ReadonlyMap<string, SafeTensor> {
  const whole = `${stem}.safetensors`;
  const index = `${whole}.index.json`;
  if (folder.has(whole)) return opened(folder, whole);
  if (!folder.has(index)) throw new CheckpointError(`${whole} is missing, and so is ${index}.`);
  const shardOf = weightMap(folder, index);
  const found = new Map<string, SafeTensor>();
  for (const shard of new Set(shardOf.values())) {
    for (const [name, tensor] of opened(folder, shard)) {
      if (shardOf.get(name) !== shard) {
        throw new CheckpointError(`${shard}: holds ${quoted(name)}, which ${index} does not say.`);
      }
      found.set(name, tensor);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!found.has(name)) {
      throw new CheckpointError(`${shard}: does not hold ${quoted(name)}, as ${index} says.`);
    }
  }
  return found;
}

function weightMap(folder: Folder, index: string): ReadonlyMap<string, string> {
  const { weight_map: map } = readJson(folder, index);
  const entries = typeof map === 'object' && map !== null ? Object.entries(map) : [];
  if (entries.length === 0 || !entries.every(([, shard]) => typeof shard === 'string')) {
    throw new CheckpointError(`${index}: has no weight_map of tensor names to file names.`);
  }
  return new Map(entries as [string, string][]);
}

function opened(folder: Folder, fileName: string): ReadonlyMap<string, SafeTensor> {
  const bytes = folder.get(fileName);
  if (!bytes) throw new CheckpointError(`${quoted(fileName)} is missing.`);
  try {
    return readSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new CheckpointError(`${quoted(fileName)}: ${error.message}.`);
  }
}
