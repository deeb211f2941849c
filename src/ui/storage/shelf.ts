/**
 * @file The checkpoints that this browser keeps: one folder each, its manifest written last, so that a folder
 * without one was never finished and does not count.
 *
 * Several tabs share the shelf. Whoever writes or deletes holds it alone; whoever reads shares it with other
 * readers; a list takes no lock, since a manifest appears after its files and goes before them.
 */
import type { CheckpointFiles } from '@/engine/train/commands';
import { formatBytes } from '@/ui/format/numbers';
import { crc32 } from './crc32';
import { DamagedCheckpointError, StorageFullError } from './errors';
import { type Folder, readAll, writeFile } from './folder';
import {
  bytesOf,
  type CheckpointRecord,
  type Description,
  parseRecord,
  type StoredCheckpoint,
} from './record';
import { superseded } from './retention';
import { type Locks, openTabs } from './tab';
import type { ZipPart } from './zip';

const LOCK = 'trinity-lab shelf';
/** A change of a manifest is a new file with the next number: the old one stands until the new one does. */
const MANIFEST = /^manifest-(\d+)\.json$/;

export interface Room {
  /** Bytes that the browser counts for this site, and that it grants at most. */
  readonly usage: number;
  readonly quota: number;
}

export interface ShelfParts {
  readonly folder: Folder;
  readonly locks: Locks;
  /** Name of this tab, as `holdTab` gave it. */
  readonly tab: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly room: () => Promise<Room>;
  /** The shelf has changed by this tab's hand. */
  readonly onChange: () => void;
}

export class Shelf {
  readonly #parts: ShelfParts;
  /** Handed out to be downloaded: nobody tells when that is done, so they stay while the tab lives. */
  readonly #lent = new Set<string>();

  constructor(parts: ShelfParts) {
    this.#parts = parts;
  }

  /** In no order. */
  async list(): Promise<StoredCheckpoint[]> {
    const { folder, locks, tab } = this.#parts;
    const open = await openTabs(locks);
    const found: StoredCheckpoint[] = [];
    for (const id of await namesIn(folder)) {
      const record = await this.#record(id);
      if (!record) continue;
      const other = open.has(record.tab) ? 'another tab' : 'nobody';
      const owner = record.tab === tab ? 'this tab' : other;
      found.push({ ...record, id, bytes: bytesOf(record), owner });
    }
    return found;
  }

  /**
   * Writes a checkpoint; an automatic one lets older automatic ones go. Where there is no room, nothing stays of it.
   * @throws {StorageFullError}
   */
  keep(files: CheckpointFiles, description: Description): Promise<StoredCheckpoint> {
    return this.#alone(async () => {
      await this.#sweep();
      const isAutomatic = description.kind === 'automatic';
      const stored = await this.#write(files, description).catch(async (error) => {
        // The last one but one of this tab makes room, never the last.
        if (!(isAutomatic && error instanceof StorageFullError)) throw error;
        if (!(await this.#letGo(1))) throw error;
        return this.#write(files, description);
      });
      if (isAutomatic) await this.#letGo();
      return stored;
    });
  }

  /** @throws {DamagedCheckpointError} where its bytes are not those that were written */
  async read(id: string, signal?: AbortSignal): Promise<CheckpointFiles> {
    return this.#parts.locks.request(LOCK, { mode: 'shared' }, async () => {
      const files = new Map<string, Uint8Array>();
      for (const { name, blob, crc } of await this.#filesOf(id)) {
        const bytes = await readAll(blob, signal);
        if (crc32(bytes) !== crc) throw damaged(name);
        files.set(name, bytes);
      }
      return files;
    });
  }

  /** Its files as they lie on the disk: nothing is read yet. @throws {DamagedCheckpointError} */
  async lend(id: string): Promise<ZipPart[]> {
    this.#lent.add(id);
    return this.#filesOf(id);
  }

  /** Gives it the visitor's words; an automatic one is kept from now on. @throws {DamagedCheckpointError} */
  rename(id: string, name: string): Promise<void> {
    return this.#alone(async () => {
      const folder = await this.#folderOf(id);
      const manifests = manifestsOf(await namesIn(folder));
      const record = await this.#record(id);
      if (!record) throw gone();
      const next = manifestNumber(manifests[0] ?? '') + 1;
      await writeManifest(folder, next, { ...record, kind: 'kept', name });
      for (const old of manifests) await folder.removeEntry(old);
    });
  }

  /** Those that are gone already are no error. */
  remove(ids: readonly string[]): Promise<void> {
    return this.#alone(async () => {
      for (const id of ids) await this.#drop(id);
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = await this.#parts.locks.request(LOCK, { mode: 'exclusive' }, work);
    this.#parts.onChange();
    return done;
  }

  async #write(files: CheckpointFiles, description: Description): Promise<StoredCheckpoint> {
    const { folder, tab, now } = this.#parts;
    const id = crypto.randomUUID();
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    const { usage, quota } = await this.#parts.room();
    if (bytes > quota - usage) throw full(bytes, { usage, quota });
    try {
      const own = await folder.getDirectoryHandle(id, { create: true });
      const written: CheckpointRecord['files'] = [];
      for (const [name, content] of files) {
        const crc = await writeFile(own, name, content);
        written.push({ name, bytes: content.length, crc });
      }
      const record = { ...description, version: 1, savedAt: now(), tab, files: written } as const;
      await writeManifest(own, 0, record);
      return { ...record, id, bytes, owner: 'this tab' };
    } catch (error) {
      await this.#drop(id);
      if ((error as Error).name === 'QuotaExceededError') throw full(bytes, { usage, quota });
      throw error;
    }
  }

  /** Removes automatic checkpoints that newer ones stand for; resolves with whether there were any. */
  async #letGo(count?: number): Promise<boolean> {
    const old = superseded(await this.list(), count).filter(({ id }) => !this.#lent.has(id));
    for (const { id } of old) await this.#drop(id);
    return old.length > 0;
  }

  /** Folders that were never finished: nobody else writes while this tab holds the shelf alone. */
  async #sweep(): Promise<void> {
    for (const id of await namesIn(this.#parts.folder)) {
      if (!(await this.#record(id))) await this.#drop(id);
    }
  }

  async #drop(id: string): Promise<void> {
    const { folder } = this.#parts;
    const own = await folder.getDirectoryHandle(id).catch(() => undefined);
    if (!own) return;
    for (const name of manifestsOf(await namesIn(own))) await own.removeEntry(name);
    await folder.removeEntry(id, { recursive: true });
  }

  async #folderOf(id: string): Promise<Folder> {
    return this.#parts.folder.getDirectoryHandle(id).catch(() => {
      throw gone();
    });
  }

  /** The newest manifest that is whole. */
  async #record(id: string): Promise<CheckpointRecord | undefined> {
    try {
      const folder = await this.#folderOf(id);
      for (const name of manifestsOf(await namesIn(folder))) {
        const file = await (await folder.getFileHandle(name)).getFile();
        const record = parseRecord(await file.text());
        if (record) return record;
      }
    } catch {
      // Another tab deletes it at this moment.
    }
    return undefined;
  }

  async #filesOf(id: string): Promise<ZipPart[]> {
    const record = await this.#record(id);
    if (!record) throw gone();
    const folder = await this.#folderOf(id);
    const parts: ZipPart[] = [];
    for (const { name, bytes, crc } of record.files) {
      const slot = await folder.getFileHandle(name).catch(() => {
        throw damaged(name);
      });
      const blob = await slot.getFile();
      if (blob.size !== bytes) throw damaged(name);
      parts.push({ name, blob, crc });
    }
    return parts;
  }
}

async function namesIn(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

const manifestNumber = (name: string): number => Number(MANIFEST.exec(name)?.[1] ?? -1);

/** The newest first. */
const manifestsOf = (names: readonly string[]): string[] =>
  names.filter((name) => MANIFEST.test(name)).sort((a, b) => manifestNumber(b) - manifestNumber(a));

const writeManifest = (folder: Folder, number: number, record: CheckpointRecord) =>
  writeFile(folder, `manifest-${number}.json`, new TextEncoder().encode(JSON.stringify(record)));

const full = (bytes: number, { usage, quota }: Room) =>
  new StorageFullError(
    `It takes ${formatBytes(bytes)}; the browser grants this page ${formatBytes(quota)}, of which ` +
      `${formatBytes(usage)} are taken. Delete a kept checkpoint, or download this one instead.`,
  );

const gone = () => new DamagedCheckpointError('This checkpoint is no longer kept here.');

const damaged = (file: string) =>
  new DamagedCheckpointError(
    `Its file ${file} does not hold the bytes that were written. Delete it; an older one may be whole.`,
  );
