/** @file What crosses the line between the engine's worker and the data worker. Types only. */
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import type { DomainInfo, TextReport } from '@/engine/train/commands';
import type { CarriedError, Port, Reply } from './protocol';

/** One end of the line. A `Worker` also tells when its script has failed. */
export interface DataPort extends Port {
  onerror?: ((event: ErrorEvent) => void) | null;
}

/** What can be asked, and what comes back. A run is named by the number that `openRun` gave it. */
export interface DataCalls {
  openRun(settings: Settings, cursor: unknown): OpenedRun;
  /** Batches of the stream before have a smaller epoch than the one that is returned. */
  seek(run: number, cursor: unknown): { readonly epoch: number; readonly cursor: unknown };
  addText(name: string, bytes: Uint8Array): TextReport;
  removeText(): void;
}

export interface OpenedRun {
  readonly run: number;
  readonly domains: readonly DomainInfo[];
  readonly heldOut: readonly Batch[];
  /** Position before the first batch. */
  readonly cursor: unknown;
}

export type DataRequest = {
  [K in keyof DataCalls]: {
    readonly id: number;
    readonly call: K;
    readonly args: Parameters<DataCalls[K]>;
  };
}[keyof DataCalls];

/** The first message: everything is fetched from below this address. */
export interface DataInit {
  readonly baseUrl: string;
}

/** A batch of that run was used up, so another may be made. */
export interface Taken {
  readonly taken: number;
}

/** A batch made ahead. `cursor` is the position behind it. */
export interface Prepared {
  readonly run: number;
  readonly epoch: number;
  readonly batch: Batch;
  readonly cursor: unknown;
}

/** The stream has ended with an error. */
export interface Broken {
  readonly run: number;
  readonly epoch: number;
  readonly broken: CarriedError;
}

export type ToDataWorker = DataInit | DataRequest | Taken;
export type FromDataWorker = Reply | Prepared | Broken;
