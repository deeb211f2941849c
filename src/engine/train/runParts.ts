/** @file What a run is made of. Types only. */
import type { Experiment } from '@/engine/config/experiment';
import type { RunData } from '@/engine/data/service';
import type { ReadCheckpoint } from '@/engine/files/readCheckpoint';
import type { Emit } from './probes';
import type { Session } from './session';

export interface RunParts {
  readonly experiment: Experiment;
  readonly data: RunData;
  readonly emit: Emit;
  /** What it starts from, where that is not nothing; `data` stands there already. */
  readonly origin: ReadCheckpoint | undefined;
  /** Opens the device anew and makes the same session on it. */
  readonly reopen: () => Promise<Session>;
}
