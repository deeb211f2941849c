/**
 * @file Finds the checkpoint in what a visitor dropped or picked: a zip archive, a folder, or loose files. Only
 * files that a checkpoint may have are read.
 */
import type { CheckpointFiles } from '@/engine/train/commands';
import { formatBytes } from '@/ui/format/numbers';
import { PickedFilesError } from './errors';
import { readAll } from './folder';
import { isZip, type ZipEntry, zipEntries } from './unzip';

/** A file of the visitor's. `path` is relative to what was picked. */
export interface PickedFile {
  readonly path: string;
  readonly file: Blob;
}

/** More could not be trained in a tab: a parameter takes sixteen bytes there and four in a file. */
export const MAX_CHECKPOINT_BYTES = 8 * 2 ** 30;
const MAX_NAMES = 6;

const CONFIG = 'config.json';
const IS_PART = /^(config|generation_config|trainer)\.json$|\.safetensors(\.index\.json)?$/;
const IS_FOREIGN_WEIGHTS = /\.(bin|pt|pth|ckpt|gguf|h5|msgpack)$/i;

/** A file that can be read: from a disk or from an archive. */
type Source = Pick<ZipEntry, 'name' | 'size' | 'read'>;

/**
 * The checkpoint's files by name, read whole.
 * @param onShare is told how far it is, 0 to 1
 * @throws {PickedFilesError}; the signal's reason when it is aborted
 */
export async function gather(
  picked: readonly PickedFile[],
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<CheckpointFiles> {
  const parts = partsOf(await sourcesOf(picked));
  const total = parts.reduce((sum, [, { size }]) => sum + size, 0);
  if (total > MAX_CHECKPOINT_BYTES) {
    throw new PickedFilesError(
      `It has ${formatBytes(total)}; up to ${formatBytes(MAX_CHECKPOINT_BYTES)} can be opened in a tab.`,
    );
  }
  const files = new Map<string, Uint8Array>();
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onShare(total === 0 ? 1 : done / total);
  };
  for (const [name, source] of parts) {
    files.set(name, await source.read(signal, onBytes).catch((error) => refuse(error, total)));
  }
  return files;
}

function refuse(error: Error, bytes: number): never {
  if (!(error instanceof RangeError)) throw error;
  throw new PickedFilesError(`This tab has no memory for its ${formatBytes(bytes)}.`);
}

async function sourcesOf(picked: readonly PickedFile[]): Promise<Source[]> {
  const [first] = picked;
  if (first && picked.length === 1 && (await isZip(first.file))) return zipEntries(first.file);
  if (first && picked.length === 1 && /\.zip$/i.test(first.path)) {
    throw new PickedFilesError('The archive cannot be read: it does not begin as zip archives do.');
  }
  return picked.map(({ path, file }) => ({
    name: path,
    size: file.size,
    read: (signal, onBytes) => readAll(file, signal, onBytes),
  }));
}

/** The files of the one folder that has a config.json, by their own names. */
function partsOf(all: readonly Source[]): [string, Source][] {
  const sources = all
    .map((source) => ({ source, steps: source.name.split('/').filter((step) => step !== '') }))
    // What macOS puts into archives, and hidden files.
    .filter(({ steps }) => !steps.some((step) => step.startsWith('.') || step === '__MACOSX'));
  if (sources.length === 0) throw new PickedFilesError('There is no file in it.');
  const names = sources.map(({ steps }) => steps.join('/'));
  const configs = sources.filter(({ steps }) => steps.at(-1) === CONFIG);
  const depth = Math.min(...configs.map(({ steps }) => steps.length));
  const [config, other] = configs.filter(({ steps }) => steps.length === depth);
  if (!config) throw new PickedFilesError(withoutConfig(names));
  if (other) {
    throw new PickedFilesError(
      `It holds two models, ${config.steps.join('/')} and ${other.steps.join('/')}. Open one folder.`,
    );
  }
  const folder = folderOf(config.steps);
  const parts = sources
    .filter(({ steps }) => folderOf(steps) === folder && IS_PART.test(steps.at(-1) ?? ''))
    .map(({ steps, source }): [string, Source] => [steps.at(-1) ?? '', source]);
  if (!parts.some(([name]) => name.endsWith('.safetensors'))) {
    throw new PickedFilesError(withoutWeights(names));
  }
  return parts;
}

const folderOf = (steps: readonly string[]) => steps.slice(0, -1).join('/');

function withoutConfig(names: readonly string[]): string {
  const listed = names.slice(0, MAX_NAMES).join(', ');
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const text = names.length === 1 && /\.(txt|md|csv)$/i.test(listed);
  return (
    `There is no ${CONFIG} among ${listed}${more}. A checkpoint is a folder with ${CONFIG} and ` +
    `model.safetensors, or a zip archive of one.${text ? ' A text to learn from goes under Data.' : ''}`
  );
}

function withoutWeights(names: readonly string[]): string {
  const foreign = names.find((name) => IS_FOREIGN_WEIGHTS.test(name));
  return foreign
    ? `Its weights are in ${foreign}; only safetensors files are read.`
    : `There is a ${CONFIG} but no .safetensors file beside it.`;
}
