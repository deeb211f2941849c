/**
 * @file A checkpoint folder as a run can start from it: checked whole, nothing copied yet. One of the lab's goes on
 * where it stood; anybody else's gives its weights to a new run.
 */
import { difference, type Experiment, layered, resolve } from '@/engine/config/experiment';
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import { dotsMicro } from '@/engine/config/presets/dotsMicro';
import { hunyuanMicro } from '@/engine/config/presets/hunyuanMicro';
import { micro } from '@/engine/config/presets/micro';
import type { Preset } from '@/engine/config/presets/preset';
import type { Settings } from '@/engine/config/settings';
import { Weights } from '@/engine/model/weights';
import { CheckpointError } from './checkpointError';
import { type Folder, readJson, readTensors } from './folder';
import { type MatchedOptimizer, type MatchedWeights, matchOptimizer, matchWeights } from './match';
import { readTrainerFile } from './trainerFile';

export const CONFIG_FILE = 'config.json';
/** Stems of the safetensors files. */
export const MODEL_STEM = 'model';
export const OPTIMIZER_STEM = 'optimizer';

/** Where a run starts that does not start from nothing. Tensors are views of the folder's files. */
export interface ReadCheckpoint {
  readonly experiment: Experiment;
  /** Finished steps. */
  readonly step: number;
  /** Where the data goes on; undefined: from its start. */
  readonly cursor: unknown;
  /** What the figures of later steps look back on, as it stands in the file; undefined: nothing. */
  readonly stability: unknown;
  readonly isImported: boolean;
  readonly weights: MatchedWeights;
  /** Undefined where the folder has none: it starts from nothing. */
  readonly optimizer: MatchedOptimizer | undefined;
}

type Model = Settings['model'];

/** Data, optimizer and schedule of a run on weights of somebody else's. */
const presetOf: Readonly<Record<Model['family'], Preset>> = {
  trinity: micro,
  hunyuan: hunyuanMicro,
  dots: dotsMicro,
};

/** @throws {CheckpointError} naming the file or tensor, {ConfigError} naming the key of config.json. */
export function readCheckpoint(folder: Folder): ReadCheckpoint {
  const model = modelFromHuggingFace(readJson(folder, CONFIG_FILE));
  const trainer = readTrainerFile(folder);
  const weights = matchWeights(model, readTensors(folder, MODEL_STEM));
  if (!trainer) {
    const experiment = experimentFor(model);
    return {
      experiment,
      weights,
      step: 0,
      cursor: undefined,
      stability: undefined,
      isImported: true,
      optimizer: undefined,
    };
  }
  const settings = resolve(trainer.experiment);
  expectSame(model, settings.model);
  const entries = new Map(
    [...new Weights(settings, NO_LIMITS).entries()].map((entry) => [entry.spec.name, entry]),
  );
  const optimizer = matchOptimizer(
    model,
    readTensors(folder, OPTIMIZER_STEM),
    (name) => entries.get(name)?.moment2 !== undefined,
  );
  return { ...trainer, weights, optimizer };
}

/** Which optimizer has which weight does not depend on an adapter. */
const NO_LIMITS = {
  maxBufferBytes: Number.MAX_SAFE_INTEGER,
  maxBindingBytes: Number.MAX_SAFE_INTEGER,
};

/** @throws {ConfigError} where this model cannot be trained with the texts and rows of its family's preset. */
function experimentFor(model: Model): Experiment {
  const preset = presetOf[model.family];
  const changes = difference(preset, { ...layered(preset, {}), model });
  const experiment = { preset: preset.id, changes, timeline: [] };
  resolve(experiment);
  return experiment;
}

/** The two files of one folder speak of one model. */
function expectSame(inConfig: Model, inTrainer: Model): void {
  for (const row of Object.keys(inConfig) as (keyof Model)[]) {
    if (inConfig[row] === inTrainer[row]) continue;
    throw new CheckpointError(
      `model.${row}: ${CONFIG_FILE} says ${inConfig[row]}, trainer.json says ${inTrainer[row]}.`,
    );
  }
}
