/** @file The worker's end of the line: answers calls by name, tells events. */
import type {
  CarriedError,
  Commands,
  Events,
  Notice,
  PlainValue,
  Port,
  Reply,
  Request,
} from './protocol';
import { isFiles, movable } from './transfer';

export type Emit = <K extends keyof Events>(event: K, data: Events[K]) => void;

/**
 * Events whose typed arrays move instead of being copied: a map of S × S weights is megabytes, every
 * other array is a few kilobytes. Whoever tells one of these gives its arrays away.
 */
const moved: ReadonlySet<keyof Events> = new Set(['attention']);

/** Answers every call on `port` with `commands`; returns the function that tells events. */
export function serve(port: Port, commands: Commands): Emit {
  port.onmessage = async ({ data }: MessageEvent<Request>) => {
    const reply = await answer(data, commands);
    // A saved checkpoint is as large as the run: its bytes move, and the trainer's arrays are empty then.
    const files = 'value' in reply && isFiles(reply.value) ? reply.value.values() : [];
    port.postMessage(reply, movable(files));
  };
  return (event, data) => {
    const notice = { event, data } as Notice;
    port.postMessage(notice, moved.has(event) ? movable(Object.values(data)) : []);
  };
}

async function answer({ id, call, args }: Request, commands: Commands): Promise<Reply> {
  try {
    const command = commands[call] as (...args: unknown[]) => Promise<unknown>;
    return { id, value: await command.apply(commands, args) };
  } catch (error) {
    return { id, error: carried(error) };
  }
}

/** A thrown value as plain data: class name, message, and own fields that are plain values. */
export function carried(thrown: unknown): CarriedError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown), fields: {} };
  const fields: Record<string, PlainValue> = {};
  for (const [key, value] of Object.entries(thrown)) {
    if (key !== 'name' && isPlain(value)) fields[key] = value;
  }
  return { name: thrown.name, message: thrown.message, fields };
}

const isPlain = (value: unknown): value is PlainValue =>
  value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value);
