/** @file What crosses the line between the page and the worker. Types only. */
import type { Commands, Events } from '@/engine/train/commands';

export type { Commands, Events };

export type Request = {
  [K in keyof Commands]: {
    readonly id: number;
    readonly call: K;
    readonly args: Parameters<Commands[K]>;
  };
}[keyof Commands];

/** An error on its way: its class by name, its message, and the plain fields that its class adds. */
export interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, PlainValue>>;
}

/** What an error may carry besides its message. */
export type PlainValue = string | number | boolean | null | undefined;

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: CarriedError };

export type Notice = {
  [K in keyof Events]: { readonly event: K; readonly data: Events[K] };
}[keyof Events];

/** Either end of the line: a Worker, a worker's own scope, or a MessagePort in a test. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}
