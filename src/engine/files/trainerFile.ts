/** @file trainer.json: what a run needs beside weights and optimizer to go on where it stood. */
import { ConfigError, type Experiment } from '@/engine/config/experiment';
import {
  asExperimentData,
  dataOfExperiment,
  EXPERIMENT_VERSION,
  experimentOfData,
} from '@/engine/config/experimentData';
import { CheckpointError } from './checkpointError';
import { type Folder, readJson } from './folder';
import { quoted } from './safetensors';

export const TRAINER_FILE = 'trainer.json';

/** Of this file; the experiment in it has a version of its own. */
const VERSION = 1;
const FORMAT = 'trinity-lab';

export interface TrainerState {
  /** Finished steps. */
  readonly step: number;
  readonly experiment: Experiment;
  /** Where the data stream goes on: plain JSON of the data source. */
  readonly cursor: unknown;
  /** What the figures of later steps look back on: plain JSON of the run, which also checks it. */
  readonly stability: unknown;
  /** The weights came from a checkpoint without the state of a run, some time before. */
  readonly isImported: boolean;
  /** Who computed it. On another adapter the run goes on, but not to the same bits. */
  readonly adapter: string;
}

/** @throws {ConfigError} where the experiment cannot be. */
export function writeTrainerFile({ experiment, ...rest }: TrainerState): Uint8Array {
  const file = {
    format: FORMAT,
    version: VERSION,
    ...rest,
    experiment: { version: EXPERIMENT_VERSION, data: dataOfExperiment(experiment) },
  };
  return new TextEncoder().encode(JSON.stringify(file, null, 2));
}

/**
 * Undefined where the folder has no such file: somebody else made it.
 * @throws {CheckpointError} where the file is not one of the lab's, is newer, or is damaged.
 */
export function readTrainerFile(folder: Folder): TrainerState | undefined {
  if (!folder.has(TRAINER_FILE)) return undefined;
  const { format, version, step, experiment, cursor, stability, isImported, adapter } = readJson(
    folder,
    TRAINER_FILE,
  );
  if (format !== FORMAT) throw broken('was not written by Trinity Lab');
  expectVersion(version, VERSION);
  if (!Number.isSafeInteger(step) || (step as number) < 0) {
    throw broken(`step ${quoted(String(step))} is not a step`);
  }
  return {
    step: step as number,
    experiment: experimentOf(experiment),
    cursor,
    stability,
    isImported: isImported === true,
    adapter: typeof adapter === 'string' ? adapter : '',
  };
}

const broken = (why: string) => new CheckpointError(`${TRAINER_FILE}: ${why}.`);

function expectVersion(version: unknown, newest: number): asserts version is number {
  if (Number.isSafeInteger(version) && (version as number) > newest) {
    throw broken('was made by a newer version of Trinity Lab');
  }
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    throw broken(`version ${quoted(String(version))} is not a version`);
  }
}

function experimentOf(value: unknown): Experiment {
  const { version, data: older } = (value ?? {}) as Record<string, unknown>;
  expectVersion(version, EXPERIMENT_VERSION);
  const data = asExperimentData(version, older);
  if (!data) throw broken('does not hold an experiment');
  try {
    return experimentOfData(data);
  } catch (error) {
    if (error instanceof ConfigError) throw broken(quoted(error.message));
    throw error;
  }
}
