/** @file The page's end of the line to the storage worker. */
import { revived } from '@/worker/client';
import type { Port } from '@/worker/protocol';
import { isFiles, movable } from '@/worker/transfer';
import type { StorageCalls, StorageReply, StorageRequest } from './protocol';

/** One end of the line. A `Worker` also tells when its script has failed. */
export interface StoragePort extends Port {
  onerror?: ((event: ErrorEvent) => unknown) | null;
}

/** How a long call is followed and ended. */
export interface Following {
  readonly onShare?: (share: number) => void;
  /** Ends the call, which rejects with a CancelledError. */
  readonly signal?: AbortSignal;
}

export interface Storage extends StorageCalls {
  read(id: string, following?: Following): ReturnType<StorageCalls['read']>;
  gather(
    picked: Parameters<StorageCalls['gather']>[0],
    following?: Following,
  ): ReturnType<StorageCalls['gather']>;
  /** What is kept was changed, by this tab or another one. */
  onChange(listener: () => void): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly onShare: ((share: number) => void) | undefined;
}

export function connectStorage(port: StoragePort): Storage {
  const waiting = new Map<number, Waiting>();
  const listeners: (() => void)[] = [];
  let nextId = 0;
  let failure: Error | undefined;

  port.onmessage = ({ data }: MessageEvent<StorageReply>) => {
    if ('changed' in data) {
      for (const listener of listeners) listener();
      return;
    }
    const call = waiting.get(data.id);
    if ('share' in data) return call?.onShare?.(data.share);
    waiting.delete(data.id);
    if ('error' in data) call?.reject(revived(data.error));
    else call?.resolve(data.value);
  };
  port.onerror = ({ message }) => {
    failure = new Error(`The storage worker stopped: ${message || 'it could not be loaded'}`);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };

  function call<K extends keyof StorageCalls>(
    name: K,
    args: Parameters<StorageCalls[K]>,
    { onShare, signal }: Following = {},
  ): ReturnType<StorageCalls[K]> {
    const answer = new Promise((resolve, reject) => {
      if (failure || signal?.aborted) return reject(failure ?? signal?.reason);
      const id = nextId++;
      waiting.set(id, { resolve, reject, onShare });
      const files = args.find(isFiles);
      const request = { id, call: name, args } as StorageRequest;
      port.postMessage(request, files ? movable(files.values()) : []);
      signal?.addEventListener('abort', () => port.postMessage({ cancel: id }, []));
    });
    return answer as ReturnType<StorageCalls[K]>;
  }

  return {
    open: (previousTab) => call('open', [previousTab]),
    list: () => call('list', []),
    room: () => call('room', []),
    keep: (files, description) => call('keep', [files, description]),
    read: (id, following) => call('read', [id], following),
    rename: (id, name) => call('rename', [id, name]),
    remove: (ids) => call('remove', [ids]),
    archive: (id, folder) => call('archive', [id, folder]),
    lend: (id) => call('lend', [id]),
    pack: (files, folder) => call('pack', [files, folder]),
    gather: (picked, following) => call('gather', [picked], following),
    onChange: (listener) => void listeners.push(listener),
  };
}
