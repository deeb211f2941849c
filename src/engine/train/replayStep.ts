/** @file What a replay tells of one step, under the names of the `expected.json` of a golden folder. */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { ReplayRecipe } from '@/engine/files/replayRecipe';
import { ratesAt } from './liveValues';
import { maxVio } from './loadFigures';
import { totalLoss } from './numbers';
import type { StepNumbers } from './stepNumbers';

export interface ReplayStep {
  /** `ce`, `z_raw`, `total`, and of each auxiliary loss with a weight its value without (`_raw`) and with it. */
  readonly loss: Readonly<Record<string, number>>;
  /** Before clipping. */
  readonly grad_norm: number;
  readonly clip_scale: number;
  /** Of the optimizers that train.json sets. */
  readonly lr: { readonly muon?: number; readonly adamw: number };
  /** By layer index. */
  readonly max_vio: Readonly<Record<string, number>>;
  readonly expert_counts: Readonly<Record<string, readonly number[]>>;
}

/** @param step 0-based. */
export function replayStep(
  step: number,
  numbers: StepNumbers,
  settings: Settings,
  recipe: ReplayRecipe,
): ReplayStep {
  const E = settings.model.expertCount;
  const layers = mixtureLayers(settings.model);
  const byLayer = <T>(pick: (row: number) => T): Record<string, T> =>
    Object.fromEntries(layers.map((layer, row) => [String(layer), pick(row)]));
  const vios = maxVio(numbers.counts, E);
  const { muon, adamw } = ratesAt(step, settings);
  return {
    loss: lossParts(numbers, settings),
    grad_norm: numbers.gradientNorm,
    clip_scale: numbers.clipScale,
    lr: { ...(recipe.muon ? { muon } : {}), adamw },
    max_vio: byLayer((row) => vios[row]!),
    expert_counts: byLayer((row) => [...numbers.counts.subarray(row * E, (row + 1) * E)]),
  };
}

function lossParts(numbers: StepNumbers, settings: Settings): Record<string, number> {
  const { zWeight, sequenceBalance, switchBalance } = settings.loss;
  const raw = {
    z: numbers.squaredLse,
    seq_aux: numbers.sequenceBalance,
    switch_aux: numbers.switchBalance,
  };
  const weights = { z: zWeight, seq_aux: sequenceBalance, switch_aux: switchBalance };
  const used = (Object.keys(raw) as (keyof typeof raw)[]).filter((name) => weights[name] !== 0);
  return {
    ce: numbers.crossEntropy,
    z_raw: raw.z,
    ...Object.fromEntries(used.map((name) => [`${name}_raw`, raw[name]])),
    ...Object.fromEntries(used.map((name) => [name, weights[name] * raw[name]])),
    total: totalLoss(numbers, settings),
  };
}
