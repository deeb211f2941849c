/**
 * @file A folder with a checkpoint in it: read whole, and replaced whole. A process may be killed at any moment:
 * under the folder's name stands a complete checkpoint, or beside it lies what `recover` puts there.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { CheckpointFiles } from '@/engine/index';
import { UsageError } from './command';

/** Names that a saved checkpoint has: nothing else is ever replaced. */
const SAVED =
  /^((config|generation_config|trainer)\.json|(model|optimizer)(-\d+-of-\d+)?\.safetensors(\.index\.json)?)$/;
/** What is read of a folder: others may have put documents and tokenizers beside the weights. */
const READ = /\.(json|safetensors)$/;
/** Largest piece of one read or write; the system takes no 2 GiB at once. */
const PIECE_BYTES = 2 ** 30;

export class CheckpointFolder {
  readonly path: string;

  constructor(path: string) {
    // A name that leads to a folder elsewhere: that folder is exchanged, and the name stays.
    this.path = existsSync(path) ? realpathSync(path) : resolve(path);
  }

  /** Contents by file name. @throws {UsageError} where there is no such folder or it cannot be read */
  read(): CheckpointFiles {
    this.#recover();
    return attempt(`${this.path}: cannot be read`, () => {
      const names = readdirSync(this.path, { withFileTypes: true })
        .filter((entry) => !entry.isDirectory() && READ.test(entry.name))
        .map(({ name }) => name);
      return new Map(names.sort().map((name) => [name, readWhole(join(this.path, name))]));
    });
  }

  /**
   * Makes sure, before anything is trained, that a checkpoint can be saved here and that this destroys nothing.
   * @param isResumed whether the checkpoint that stands here is the one that the run goes on from
   * @throws {UsageError}
   */
  claim(isResumed: boolean): void {
    this.#recover();
    const isThere = existsSync(this.path);
    if (isThere && !statSync(this.path).isDirectory()) {
      throw new UsageError(`${this.path}: is a file; want a folder for the checkpoint`);
    }
    const names = isThere ? readdirSync(this.path) : [];
    const foreign = names.find((name) => !SAVED.test(name));
    if (foreign !== undefined) {
      throw new UsageError(
        `${this.path}: holds ${foreign}, which is no part of a checkpoint; want a new folder`,
      );
    }
    if (names.length > 0 && !isResumed) {
      throw new UsageError(
        `${this.path}: holds a checkpoint already; resume it, or name a new folder`,
      );
    }
    attempt(`${this.path}: cannot be written`, () => {
      rmSync(this.#draft, { recursive: true, force: true });
      mkdirSync(this.#draft, { recursive: true });
      rmSync(this.#draft, { recursive: true });
    });
  }

  /** Puts a checkpoint in the place of the one before. @throws {Error} where the disk does not take it */
  write(files: CheckpointFiles): void {
    this.#recover();
    rmSync(this.#draft, { recursive: true, force: true });
    mkdirSync(this.#draft, { recursive: true });
    for (const [name, bytes] of files) writeWhole(join(this.#draft, name), bytes);
    sync(this.#draft);
    rmSync(this.#older, { recursive: true, force: true });
    // The draft is on disk before the old one loses its name: `recover` relies on it.
    if (existsSync(this.path)) renameSync(this.path, this.#older);
    renameSync(this.#draft, this.path);
    sync(dirname(this.path));
    rmSync(this.#older, { recursive: true, force: true });
  }

  /** Finishes an exchange that was cut off between its two moves. */
  #recover(): void {
    if (existsSync(this.path) || !existsSync(this.#older)) return;
    renameSync(existsSync(this.#draft) ? this.#draft : this.#older, this.path);
  }

  get #draft(): string {
    return join(dirname(this.path), `${basename(this.path)}.new`);
  }

  get #older(): string {
    return join(dirname(this.path), `${basename(this.path)}.old`);
  }
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError(`${what}, ${(error as Error).message}`);
  }
}

function readWhole(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(fstatSync(file).size);
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(file, bytes, at, Math.min(PIECE_BYTES, bytes.length - at), at);
      if (read === 0) throw new Error(`${path} became shorter while it was read`);
      at += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(file, bytes, at, Math.min(PIECE_BYTES, bytes.length - at));
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes the names in a folder last. Windows has no such call, and opens no folders. */
function sync(folder: string): void {
  let file: number;
  try {
    file = openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
