/**
 * @file The storage worker: writes, reads and packs checkpoints, so that neither the page nor a step of the
 * engine waits for a disk. Files can be written in place only in a worker of this kind.
 */
import type { Port } from '@/worker/protocol';
import type { Folder } from './folder';
import { serveStorage } from './host';
import type { Locks } from './tab';

const FOLDER = 'checkpoints';

async function openFolder(): Promise<Folder> {
  const root = await navigator.storage.getDirectory();
  // The handle's own type does not know the writing that only workers have.
  return (await root.getDirectoryHandle(FOLDER, { create: true })) as unknown as Folder;
}

async function room() {
  const { usage = 0, quota = Number.POSITIVE_INFINITY } = await navigator.storage.estimate();
  return { usage, quota };
}

const channel = new BroadcastChannel('trinity-lab shelf');

// The compiler knows `self` as a window; in a worker it is one end of the line.
serveStorage(self as unknown as Port, {
  openFolder,
  locks: navigator.locks as unknown as Locks,
  room,
  now: () => Date.now(),
  others: {
    tell: () => channel.postMessage('changed'),
    onTold: (listener) => {
      channel.onmessage = listener;
    },
  },
});
