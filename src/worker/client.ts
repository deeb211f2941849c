/** @file The page's end of the line. */
import type { CarriedError, Commands, Events, Notice, Port, Reply } from './protocol';
import { movable } from './transfer';

type Listener<K extends keyof Events> = (data: Events[K]) => void;

interface Call {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export type Client = Commands & {
  /** Calls `listener` for every such event; returns the function that stops it. */
  on<K extends keyof Events>(event: K, listener: Listener<K>): () => void;
  /** Rejects every call that waits, and every later one: the other end is gone. */
  close(reason: Error): void;
};

/** Offers the `Commands` at the other end of `port`; errors arrive with their class name and fields. */
export function connect(port: Port): Client {
  const waiting = new Map<number, Call>();
  const listeners = new Map<keyof Events, Set<(data: never) => void>>();
  let nextId = 0;
  let closed: Error | undefined;

  port.onmessage = ({ data }: MessageEvent<Reply | Notice>) => {
    if (closed) return;
    if ('event' in data) {
      for (const listener of listeners.get(data.event) ?? []) listener(data.data as never);
      return;
    }
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ('error' in data) call?.reject(revived(data.error));
    else call?.resolve(data.value);
  };

  const call = (name: keyof Commands, args: unknown[], transfer: Transferable[] = []) =>
    new Promise((resolve, reject) => {
      if (closed) return reject(closed);
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, call: name, args }, transfer);
    });

  return {
    ...commandsOver(call),
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(listener as (data: never) => void));
      return () => {
        set.delete(listener as (data: never) => void);
      };
    },
    close(reason) {
      closed = reason;
      for (const { reject } of waiting.values()) reject(reason);
      waiting.clear();
    },
  };
}

/** One method a command. A new command is one line here. */
function commandsOver(
  call: (name: keyof Commands, args: unknown[], transfer?: Transferable[]) => Promise<unknown>,
): Commands {
  const by =
    <K extends keyof Commands>(name: K) =>
    (...args: Parameters<Commands[K]>) =>
      call(name, args) as ReturnType<Commands[K]>;
  return {
    open: by('open'),
    plan: by('plan'),
    start: by('start'),
    play: by('play'),
    pause: by('pause'),
    step: by('step'),
    reset: by('reset'),
    rewind: by('rewind'),
    change: by('change'),
    watch: by('watch'),
    generate: by('generate'),
    evaluate: by('evaluate'),
    probeNeedles: by('probeNeedles'),
    save: by('save'),
    // So do those of a checkpoint.
    load: (files) => call('load', [files], movable(files.values())) as ReturnType<Commands['load']>,
    // A text may be a hundred megabytes: its bytes move, and the caller's array is empty afterwards.
    addText: (name, bytes) =>
      call('addText', [name, bytes], movable([bytes])) as ReturnType<Commands['addText']>,
    removeText: by('removeText'),
  };
}

export const revived = ({ name, message, fields }: CarriedError): Error =>
  Object.assign(new Error(message), fields, { name });
