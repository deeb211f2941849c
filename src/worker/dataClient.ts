/**
 * @file The engine worker's end of the line to the data worker: the same `DataService`, in a thread
 * of its own, so that a step finds its batch ready.
 */
import type { Batch, BatchSource } from '@/engine/data/batch';
import type { DataService } from '@/engine/data/service';
import type {
  Broken,
  DataCalls,
  DataInit,
  DataPort,
  FromDataWorker,
  Prepared,
  Taken,
} from './dataProtocol';
import type { CarriedError } from './protocol';

/**
 * Connects to a data worker: `new Worker(new URL('./data.ts', import.meta.url), { type: 'module' })`,
 * or a port whose other end is served by `serveData`. Only the run opened last gives batches.
 * @param baseUrl absolute address of the page's folder; the shipped texts lie below it.
 */
export function connectData(port: DataPort, baseUrl: string): DataService {
  const line = new Line(port);
  const init: DataInit = { baseUrl };
  port.postMessage(init, []);
  return {
    async openRun(settings, cursor) {
      const opened = await line.call('openRun', [settings, cursor]);
      const { run, domains, heldOut } = opened;
      return { domains, heldOut, training: line.follow(run, opened.cursor) };
    },
    // A text may be a hundred megabytes: its bytes move, and the caller's array is empty afterwards.
    addText: (name, bytes) => line.call('addText', [name, bytes], movable(bytes)),
    removeText: () => line.call('removeText', []),
  };
}

const movable = (bytes: Uint8Array): ArrayBuffer[] =>
  bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength
    ? [bytes.buffer]
    : [];

const revived = ({ name, message, fields }: CarriedError): Error =>
  Object.assign(new Error(message), fields, { name });

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Calls with their answers, and the stream of the run that is followed. */
class Line {
  readonly #port: DataPort;
  readonly #waiting = new Map<number, Waiting<unknown>>();
  #nextId = 0;
  #stream: RemoteSource | undefined;
  #failure: Error | undefined;

  constructor(port: DataPort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<FromDataWorker>) => {
      if ('id' in data) this.#settle(data);
      else this.#stream?.receive(data);
    };
    port.onerror = ({ message }) => this.#fail(new Error(`The data worker stopped: ${message}`));
  }

  call<K extends keyof DataCalls>(
    call: K,
    args: Parameters<DataCalls[K]>,
    transfer: Transferable[] = [],
  ): Promise<ReturnType<DataCalls[K]>> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#port.postMessage({ id, call, args }, transfer);
    });
  }

  tellTaken(run: number): void {
    const taken: Taken = { taken: run };
    this.#port.postMessage(taken, []);
  }

  follow(run: number, cursor: unknown): RemoteSource {
    this.#stream?.close(new Error('data: this run was closed by a newer one'));
    this.#stream = new RemoteSource(this, run, cursor);
    return this.#stream;
  }

  #settle(reply: Extract<FromDataWorker, { readonly id: number }>): void {
    const call = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) call?.reject(revived(reply.error));
    else call?.resolve(reply.value);
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#stream?.close(error);
  }
}

/** The training stream of one run. Its position is that of who takes batches, not of who makes them. */
class RemoteSource implements BatchSource {
  readonly #line: Line;
  readonly #run: number;
  #epoch = 0;
  /** Position behind the batch that was taken last. */
  #cursor: unknown;
  #prepared: Prepared[] = [];
  #failure: Error | undefined;
  /** Who waits for the next batch; at most one, since calls follow each other. */
  #taker: Waiting<Prepared> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(line: Line, run: number, cursor: unknown) {
    this.#line = line;
    this.#run = run;
    this.#cursor = cursor;
  }

  next(): Promise<Batch> {
    return this.#inTurn(async () => {
      const { batch, cursor } = await this.#take();
      this.#cursor = cursor;
      this.#line.tellTaken(this.#run);
      return batch;
    });
  }

  cursor(): Promise<unknown> {
    return this.#inTurn(async () => this.#cursor);
  }

  seek(cursor: unknown): Promise<void> {
    return this.#inTurn(async () => {
      const moved = await this.#line.call('seek', [this.#run, cursor]);
      this.#enter(moved.epoch);
      this.#cursor = moved.cursor;
    });
  }

  receive(message: Prepared | Broken): void {
    if (message.run !== this.#run || message.epoch < this.#epoch) return;
    this.#enter(message.epoch);
    if ('broken' in message) this.close(revived(message.broken));
    else if (this.#taker) this.#handOver(this.#taker, message);
    else this.#prepared.push(message);
  }

  /** What was prepared is still given; whoever waits longer is told why. */
  close(error: Error): void {
    this.#failure = error;
    this.#taker?.reject(error);
    this.#taker = undefined;
  }

  #enter(epoch: number): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#prepared = [];
    this.#failure = undefined;
  }

  #take(): Promise<Prepared> {
    return new Promise((resolve, reject) => {
      const ready = this.#prepared.shift();
      if (ready) resolve(ready);
      else if (this.#failure) reject(this.#failure);
      else this.#taker = { resolve, reject };
    });
  }

  #handOver(taker: Waiting<Prepared>, prepared: Prepared): void {
    this.#taker = undefined;
    taker.resolve(prepared);
  }

  /** Calls that overlap are done in the order in which they were made. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
