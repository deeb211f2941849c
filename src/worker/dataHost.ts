/** @file The data worker's end of the line: answers calls and keeps a few batches ahead. */
import type { Batch, BatchSource } from '@/engine/data/batch';
import type { DataService } from '@/engine/data/service';
import type {
  Broken,
  DataCalls,
  DataPort,
  DataRequest,
  OpenedRun,
  Prepared,
  ToDataWorker,
} from './dataProtocol';
import { carried } from './host';
import type { Reply } from './protocol';

/** Batches made before they are asked for: enough to bridge a pause of this thread. */
const batchesAhead = 4;

/**
 * Serves a `DataService` on `port`. Only the run that was opened last is served.
 * @param createService is called with the page's base address when the other end has named it.
 */
export function serveData(port: DataPort, createService: (baseUrl: string) => DataService): void {
  let host: Host | undefined;
  port.onmessage = ({ data }: MessageEvent<ToDataWorker>) => {
    if ('baseUrl' in data) host = new Host(port, createService(data.baseUrl));
    else if ('taken' in data) host?.taken(data.taken);
    else void host?.answer(data);
  };
}

class Host {
  readonly #port: DataPort;
  readonly #calls: { [K in keyof DataCalls]: DataCalls[K] | Async<DataCalls[K]> };
  #ahead: Ahead | undefined;
  #runCount = 0;

  constructor(port: DataPort, service: DataService) {
    this.#port = port;
    this.#calls = {
      openRun: async (settings, cursorToSeek) => {
        const { domains, training, heldOut } = await service.openRun(settings, cursorToSeek);
        const run = this.#runCount++;
        const opened: OpenedRun = { run, domains, heldOut, cursor: await training.cursor() };
        this.#ahead = new Ahead(port, run, training);
        return opened;
      },
      seek: async (run, cursor) => {
        if (this.#ahead?.run !== run) throw new Error(`data: run ${run} was closed by a newer one`);
        return this.#ahead.seek(cursor);
      },
      addText: (name, bytes) => service.addText(name, bytes),
      removeText: () => service.removeText(),
    };
  }

  async answer({ id, call, args }: DataRequest): Promise<void> {
    this.#port.postMessage(await this.#reply(id, call, args), []);
    // Not before the reply: the other end must know a run before its first batch comes.
    if (call === 'openRun' || call === 'seek') this.#ahead?.fill();
  }

  taken(run: number): void {
    if (this.#ahead?.run === run) this.#ahead.taken();
  }

  async #reply(id: number, call: keyof DataCalls, args: readonly unknown[]): Promise<Reply> {
    try {
      const answer = this.#calls[call] as (...args: readonly unknown[]) => unknown;
      return { id, value: await answer(...args) };
    } catch (error) {
      return { id, error: carried(error) };
    }
  }
}

type Async<F extends (...args: never[]) => unknown> = (
  ...args: Parameters<F>
) => Promise<ReturnType<F>>;

/** Makes batches of one run until `batchesAhead` of them lie unused at the other end. */
class Ahead {
  readonly run: number;
  readonly #port: DataPort;
  readonly #source: BatchSource;
  #epoch = 0;
  #wanted = batchesAhead;
  /** Work on the source, one thing after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(port: DataPort, run: number, source: BatchSource) {
    this.#port = port;
    this.run = run;
    this.#source = source;
  }

  taken(): void {
    this.#wanted += 1;
    this.fill();
  }

  fill(): void {
    this.#queue = this.#queue.then(() => this.#make());
  }

  async seek(cursor: unknown): Promise<{ epoch: number; cursor: unknown }> {
    const moved = this.#queue.then(async () => {
      await this.#source.seek(cursor);
      this.#epoch += 1;
      this.#wanted = batchesAhead;
      return { epoch: this.#epoch, cursor: await this.#source.cursor() };
    });
    this.#queue = moved.catch(() => undefined); // the caller hears of it; the stream stays where it is
    return moved;
  }

  async #make(): Promise<void> {
    const where = { run: this.run, epoch: this.#epoch };
    try {
      while (this.#wanted > 0) {
        this.#wanted -= 1;
        const batch = await this.#source.next();
        const prepared: Prepared = { ...where, batch, cursor: await this.#source.cursor() };
        this.#port.postMessage(prepared, buffersOf(batch));
      }
    } catch (error) {
      this.#wanted = 0;
      const broken: Broken = { ...where, broken: carried(error) };
      this.#port.postMessage(broken, []);
    }
  }
}

const buffersOf = ({ tokens, targets, documents, domains }: Batch): Transferable[] =>
  [tokens, targets, documents, domains].map((array) => array.buffer as ArrayBuffer);
