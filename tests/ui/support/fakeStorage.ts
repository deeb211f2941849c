/**
 * @file A disk in memory with the handles and locks of a browser, and the storage worker's own code on it. Several
 * tabs may share one disk. A test says how much room there is, or spoils what lies there.
 */
import { connectStorage } from '@/ui/storage/client';
import type { FileSlot, Folder, SyncAccess } from '@/ui/storage/folder';
import { serveStorage } from '@/ui/storage/host';
import type { Locks } from '@/ui/storage/tab';

const missing = () => new DOMException('not there', 'NotFoundError');

export class FakeFolder implements Folder {
  readonly folders = new Map<string, FakeFolder>();
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #disk: FakeDisk;

  constructor(disk: FakeDisk) {
    this.#disk = disk;
  }

  async getDirectoryHandle(name: string, options?: { readonly create: boolean }) {
    const known = this.folders.get(name);
    if (known) return known;
    if (!options?.create) throw missing();
    const made = new FakeFolder(this.#disk);
    this.folders.set(name, made);
    return made;
  }

  async getFileHandle(name: string, options?: { readonly create: boolean }): Promise<FileSlot> {
    if (!this.files.has(name)) {
      if (!options?.create) throw missing();
      this.files.set(name, new Uint8Array());
    }
    return {
      getFile: async () => {
        const bytes = this.files.get(name);
        if (!bytes) throw missing();
        return new Blob([bytes]);
      },
      createSyncAccessHandle: async () => {
        // A disk takes its time, so that two writers would meet.
        await new Promise((resolve) => setTimeout(resolve, 0));
        return this.#access(name);
      },
    };
  }

  async removeEntry(name: string) {
    if (!this.folders.delete(name) && !this.files.delete(name)) throw missing();
  }

  async *keys() {
    yield* [...this.folders.keys(), ...this.files.keys()];
  }

  get bytes(): number {
    const inside = [...this.folders.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    return [...this.files.values()].reduce((sum, { length }) => sum + length, inside);
  }

  #access(name: string): SyncAccess {
    return {
      truncate: (size) => {
        this.files.set(name, this.files.get(name)!.slice(0, size));
      },
      write: (bytes, { at }) => {
        this.#disk.beforeWrite(name);
        const old = this.files.get(name)!;
        const grown = new Uint8Array(Math.max(old.length, at + bytes.length));
        if (this.#disk.root.bytes - old.length + grown.length > this.#disk.hardLimit) {
          throw new DOMException('full', 'QuotaExceededError');
        }
        grown.set(old);
        grown.set(bytes, at);
        this.files.set(name, grown);
        return bytes.length;
      },
      flush: () => {},
      close: () => {},
    };
  }
}

/** Locks as a browser grants them, in the order in which they were asked for. */
class FakeLocks {
  readonly #held = new Map<string, { count: number; isShared: boolean; tab: FakeTab }>();
  readonly #waiting: { name: string; start: () => boolean; tab: FakeTab }[] = [];

  for(tab: FakeTab): Locks {
    return {
      query: async () => ({ held: [...this.#held.keys()].map((name) => ({ name })) }),
      request: (name, { mode, signal }, work) =>
        new Promise((resolve, reject) => {
          const isShared = mode === 'shared';
          const start = () => {
            if (signal?.aborted) return true;
            const held = this.#held.get(name);
            if (held && !(isShared && held.isShared)) return false;
            this.#held.set(name, { count: (held?.count ?? 0) + 1, isShared, tab });
            work()
              .then(resolve, reject)
              .finally(() => this.#release(name));
            return true;
          };
          signal?.addEventListener('abort', () => reject(signal.reason));
          this.#waiting.push({ name, start, tab });
          this.#advance();
        }),
    };
  }

  /** A tab is gone, with all it held and waited for. */
  drop(tab: FakeTab): void {
    for (const [name, held] of this.#held) if (held.tab === tab) this.#held.delete(name);
    for (const one of this.#waiting.filter((waiting) => waiting.tab === tab)) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
    }
    this.#advance();
  }

  #release(name: string): void {
    const held = this.#held.get(name);
    if (!held) return;
    if (held.count > 1) this.#held.set(name, { ...held, count: held.count - 1 });
    else this.#held.delete(name);
    this.#advance();
  }

  #advance(): void {
    const blocked = new Set<string>();
    for (const one of [...this.#waiting]) {
      if (blocked.has(one.name) || !one.start()) blocked.add(one.name);
      else this.#waiting.splice(this.#waiting.indexOf(one), 1);
    }
  }
}

interface FakeTab {
  readonly tell: () => void;
}

export class FakeDisk {
  readonly root = new FakeFolder(this);
  readonly locks = new FakeLocks();
  readonly tabs = new Set<FakeTab & { onTold: () => void }>();
  /** Bytes that the browser says it grants. */
  quota = 1e9;
  /** Bytes after which writing fails, whatever the browser said. */
  hardLimit = Number.POSITIVE_INFINITY;
  /** Milliseconds since 1970. */
  time = Date.UTC(2026, 0, 1);
  /** Why there is no disk at all. */
  openError: Error | undefined;
  /** Is told the name of a file before a part of it is written. */
  beforeWrite: (name: string) => void = () => {};

  /** The folders of all checkpoints, finished or not. */
  get folders(): FakeFolder[] {
    return [...this.root.folders.values()];
  }
}

/** A tab's storage on that disk; `close` ends it as a closed tab ends. */
export function fakeStorage(disk: FakeDisk) {
  let isClosed = false;
  const line = () => {
    const ends = [0, 1].map(() => ({
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage: (_message: unknown, _transfer: Transferable[]) => {},
    })) as [End, End];
    for (const [from, to] of [ends, [...ends].reverse()] as [End, End][]) {
      from.postMessage = (message, transfer) => {
        const data = structuredClone(message, { transfer });
        setTimeout(() => !isClosed && to.onmessage?.({ data } as MessageEvent), 0);
      };
    }
    return ends;
  };
  const [page, worker] = line();
  const tab = { tell: () => {}, onTold: () => {} };
  disk.tabs.add(tab);
  serveStorage(worker, {
    openFolder: async () => {
      if (disk.openError) throw disk.openError;
      return disk.root;
    },
    locks: disk.locks.for(tab),
    room: async () => ({ usage: disk.root.bytes, quota: disk.quota }),
    now: () => disk.time++,
    others: {
      tell: () => {
        for (const other of disk.tabs) if (other !== tab) other.onTold();
      },
      onTold: (listener) => {
        tab.onTold = listener;
      },
    },
  });
  const close = () => {
    isClosed = true;
    disk.tabs.delete(tab);
    disk.locks.drop(tab);
  };
  return { client: connectStorage(page), close };
}

interface End {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
}
