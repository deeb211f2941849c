/** @file The storage worker's end of the line: the shelf, archives, and files of the visitor's. */
import { carried } from '@/worker/host';
import type { Port } from '@/worker/protocol';
import { isFiles, movable } from '@/worker/transfer';
import { StorageUnavailableError } from './errors';
import type { Folder } from './folder';
import { gather } from './gather';
import type { StorageCalls, StorageReply, StorageRequest } from './protocol';
import { type Room, Shelf } from './shelf';
import { holdTab, type Locks } from './tab';
import { zip, zipPart } from './zip';

/** What the browser has and a test brings. */
export interface StorageParts {
  /** The folder of all checkpoints. @throws where the browser keeps nothing */
  readonly openFolder: () => Promise<Folder>;
  readonly locks: Locks;
  readonly room: () => Promise<Room>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Tells the other tabs that the shelf has changed, and hears it from them. */
  readonly others: { tell(): void; onTold(listener: () => void): void };
}

/** What a call may use while it lasts. */
interface Course {
  readonly signal: AbortSignal;
  readonly onShare: (share: number) => void;
}

type Answers = {
  [K in keyof StorageCalls]: (
    args: Parameters<StorageCalls[K]>,
    course: Course,
  ) => ReturnType<StorageCalls[K]>;
};

export function serveStorage(port: Port, parts: StorageParts): void {
  const running = new Map<number, AbortController>();
  const post = (reply: StorageReply, transfer: Transferable[] = []) =>
    port.postMessage(reply, transfer);
  const tellPage = () => post({ changed: true });
  const answers = answersOf(parts, () => {
    parts.others.tell();
    tellPage();
  });
  parts.others.onTold(tellPage);

  port.onmessage = async ({ data }: MessageEvent<StorageRequest>) => {
    if ('cancel' in data) return running.get(data.cancel)?.abort(cancelled());
    const { id, call, args } = data;
    const control = new AbortController();
    running.set(id, control);
    const course = { signal: control.signal, onShare: (share: number) => post({ id, share }) };
    try {
      const answer = answers[call] as (args: readonly unknown[], course: Course) => unknown;
      const value = await answer(args, course);
      post({ id, value }, isFiles(value) ? movable(value.values()) : []);
    } catch (error) {
      post({ id, error: carried(error) });
    } finally {
      running.delete(id);
    }
  };
}

const cancelled = () => Object.assign(new Error('Cancelled.'), { name: 'CancelledError' });

function answersOf(parts: StorageParts, onChange: () => void): Answers {
  let opened: Shelf | undefined;
  const shelf = (): Shelf => {
    if (!opened) throw new StorageUnavailableError('This browser keeps no checkpoints here.');
    return opened;
  };
  return {
    open: async ([previousTab]) => {
      const folder = await parts.openFolder().catch(({ message }: Error) => {
        throw new StorageUnavailableError(
          `This browser keeps nothing for this page, as private windows often do (${message}). A ` +
            'checkpoint can still be downloaded and opened again.',
        );
      });
      const tab = await holdTab(parts.locks, previousTab);
      opened = new Shelf({ ...parts, folder, tab, onChange });
      return tab;
    },
    list: () => shelf().list(),
    room: () => parts.room(),
    keep: ([files, description]) => shelf().keep(files, description),
    read: ([id], { signal }) => shelf().read(id, signal),
    rename: ([id, name]) => shelf().rename(id, name),
    remove: ([ids]) => shelf().remove(ids),
    archive: async ([id, folder]) => zip(folder, await shelf().lend(id), new Date(parts.now())),
    lend: async ([id]) => new Map((await shelf().lend(id)).map(({ name, blob }) => [name, blob])),
    pack: async ([files, folder]) =>
      zip(
        folder,
        [...files].map(([name, bytes]) => zipPart(name, bytes)),
        new Date(parts.now()),
      ),
    gather: ([picked], { signal, onShare }) => gather(picked, signal, onShare),
  };
}
