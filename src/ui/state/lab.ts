/** @file One page's lab: the stores, the recorder, and the line to the engine. */

import type { Storage } from '@/ui/storage/client';
import { type Client, connect } from '@/worker/client';
import type { Port } from '@/worker/protocol';
import type { Address } from './address';
import { Announcer } from './announcer';
import { Crosshair } from './crosshair';
import { type Clock, Pace } from './pace';
import { Recorder } from './recorder';
import { createRunStore } from './run';
import { createStoredStore, type TabMemory } from './stored';
import { createViewStore } from './view';

/** The part of a Worker that the lab uses. */
export interface EngineWorker extends Port {
  onerror: ((event: ErrorEvent) => unknown) | null;
  terminate(): void;
}

/**
 * Which events are taken in. A run that was left may still tell; `fromPreparing` waits for the first
 * word of the next one.
 */
export type Hearing = 'none' | 'fromPreparing' | 'all';

export interface LabParts {
  readonly openWorker: () => EngineWorker;
  readonly address: Address;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly tab: TabMemory;
}

export class Lab {
  readonly run = createRunStore();
  readonly view = createViewStore();
  readonly stored = createStoredStore();
  readonly crosshair = new Crosshair();
  readonly announcer: Announcer;
  readonly recorder: Recorder;
  readonly pace: Pace;
  readonly address: Address;
  readonly clock: Clock;
  /** What this browser keeps of runs. */
  readonly storage: Storage;
  readonly tab: TabMemory;
  /** The run that is being prepared: whether it stands ready. */
  preparing: Promise<boolean> | undefined;
  hearing: Hearing = 'none';
  /** Counts the experiments that were opened; an answer to an older one is dropped. */
  generation = 0;
  /** The visitor's text, to give it to a new worker. It never leaves the page. */
  ownText: { readonly name: string; readonly blob: Blob } | undefined;
  readonly #openWorker: () => EngineWorker;
  #worker: EngineWorker | undefined;
  #client: Client | undefined;

  constructor({ openWorker, address, clock, storage, tab }: LabParts) {
    this.#openWorker = openWorker;
    this.address = address;
    this.clock = clock;
    this.storage = storage;
    this.tab = tab;
    this.recorder = new Recorder((run) => clock.frame(run));
    this.pace = new Pace(clock, () => this.run.getState().adapter?.isSoftware ?? false);
    this.announcer = new Announcer(clock);
    this.recorder.signal.subscribe(() => this.pace.mark());
  }

  /** The engine. Every call of it is answered or rejected, also when its worker breaks off. */
  get client(): Client {
    if (!this.#client) throw new Error('lab: no worker is connected');
    return this.#client;
  }

  /** Ends the worker that is there and opens a new one; `onCrash` hears when that one breaks off. */
  connect(onCrash: (words: string) => void): Client {
    this.disconnect('Cancelled.');
    const worker = this.#openWorker();
    const client = connect(worker);
    worker.onerror = (event) => {
      const words = event.message || 'The worker could not be loaded.';
      client.close(Object.assign(new Error(words), { name: 'WorkerCrashError' }));
      onCrash(words);
    };
    this.#worker = worker;
    this.#client = client;
    return client;
  }

  disconnect(why: string): void {
    this.#worker?.terminate();
    this.#client?.close(Object.assign(new Error(why), { name: 'CancelledError' }));
    this.#worker = undefined;
    this.#client = undefined;
  }
}
