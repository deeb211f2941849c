/**
 * @file What a replay starts from: a folder with `config.json`, the weights under the family's names, `train.json` and
 * `batch.json`. Whatever else lies in it is left alone.
 */
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { readJson, readTensors } from '@/engine/files/folder';
import { type MatchedWeights, matchWeights } from '@/engine/files/match';
import {
  type ReplayRecipe,
  type ReplayShape,
  replayRecipe,
  replaySettings,
} from '@/engine/files/replayRecipe';
import type { CheckpointFiles } from './commands';
import { replayBatches } from './replayBatches';

export interface ReplayFolder {
  readonly settings: Settings;
  readonly recipe: ReplayRecipe;
  readonly shape: ReplayShape;
  readonly batches: readonly Batch[];
  readonly matched: MatchedWeights;
}

/** @throws {ConfigError, CheckpointError} naming the file and what is wrong with it. */
export function readReplayFolder(files: CheckpointFiles): ReplayFolder {
  const recipe = replayRecipe(readJson(files, 'train.json'));
  const model = modelFromHuggingFace(readJson(files, 'config.json'));
  const { batches, shape } = replayBatches(
    readJson(files, 'batch.json'),
    model.vocabSize,
    recipe.steps ?? undefined,
  );
  const settings = replaySettings(model, recipe, shape);
  return {
    settings,
    recipe,
    shape,
    batches,
    matched: matchWeights(model, readTensors(files, 'model')),
  };
}
