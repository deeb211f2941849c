/** @file What the command line is handed by the process that runs it: nothing here names a global. */
import type { CorpusId } from '@/engine/index';

/** A terminal or a file that takes text. */
export interface Stream {
  write(text: string): unknown;
  /** Letters in a line; undefined where it is no terminal. */
  readonly columns?: number;
  readonly isTTY?: boolean;
}

export interface Host {
  /** Results. */
  readonly stdout: Stream;
  /** Progress and errors. */
  readonly stderr: Stream;
  /** Aborted when the person asks for the end. */
  readonly interrupted: AbortSignal;
  /** Sets up what WebGPU needs to find its driver. @throws where there is none, with what to do */
  prepareAdapter(): Promise<void>;
  readCorpus(id: CorpusId): Promise<Uint8Array>;
  /** Where this program may keep what it can measure again; undefined where nothing is to be kept. */
  readonly cache: string | undefined;
}
