/** @file Turns settings and the step number into the live scalars of a step. */
import { learningRateFactor } from '@/engine/config/learningRate';
import type { Settings } from '@/engine/config/settings';
import { balancerKinds } from '@/engine/ops/loadBalance';
import { muonRateRules } from '@/engine/ops/muon';
import { biasCorrection } from '@/engine/optim/biasCorrection';
import { expertRateFactor } from '@/engine/optim/expertRate';
import { muonCoefficients } from '@/engine/optim/newtonSchulz';
import type { RunState } from './state';

export interface Rates {
  readonly muon: number;
  readonly adamw: number;
}

/** Rates of the 0-based step after the schedule; those of the routed experts have a factor of their own. */
export function ratesAt(
  step: number,
  { optimizer, schedule }: Pick<Settings, 'optimizer' | 'schedule'>,
): Rates {
  const factor = learningRateFactor(step, schedule);
  return { muon: optimizer.muonLearningRate * factor, adamw: optimizer.adamwLearningRate * factor };
}

/**
 * Sets every block for the 0-based `step`; `flush` of the live scalars sends them.
 * @param validTargets number of targets of the step that count, all micro-batches together.
 * @param microBatches of the step; the balance losses are means over them.
 */
export function setLiveValues(
  { blocks }: RunState,
  settings: Settings,
  step: number,
  validTargets: number,
  microBatches = 1,
): void {
  const { optimizer, balance, loss } = settings;
  setOptimizer(blocks, settings, step);
  blocks.gradientNorm.set({ limit: optimizer.gradientClip });
  blocks.loadBalance.set({
    ...balance,
    kind: balancerKinds[balance.kind],
    recentre: Number(balance.recentre),
  });
  blocks.router.set({
    alpha: loss.sequenceBalance / microBatches,
    switchWeight: loss.switchBalance / microBatches,
    isForced: Number(balance.kind === 'forced'),
  });
  setLossScale({ blocks }, validTargets, loss.zWeight);
  blocks.position.set({ offset: 0 });
}

function setOptimizer(blocks: RunState['blocks'], settings: Settings, step: number): void {
  const { optimizer } = settings;
  const rates = ratesAt(step, settings);
  const expertFactor = expertRateFactor(step, settings);
  const adamw = {
    lr: rates.adamw,
    beta1: optimizer.adamwBeta1,
    beta2: optimizer.adamwBeta2,
    eps: optimizer.adamwEps,
    weightDecay: optimizer.adamwWeightDecay,
    correction1: biasCorrection(optimizer.adamwBeta1, step),
    correction2: biasCorrection(optimizer.adamwBeta2, step),
  };
  blocks.adamw.hidden.set(adamw);
  blocks.adamw.experts.set({ ...adamw, lr: rates.adamw * expertFactor });
  blocks.adamw.embedding.set({ ...adamw, weightDecay: optimizer.embeddingWeightDecay });
  blocks.adamw.gains.set({ ...adamw, weightDecay: optimizer.normWeightDecay });
  const muon = {
    lr: rates.muon,
    rateRule: muonRateRules[optimizer.muonRateRule],
    momentum: optimizer.muonMomentum,
    nesterov: Number(optimizer.muonNesterov),
    weightDecay: optimizer.muonWeightDecay,
    eps: optimizer.muonEps,
  };
  blocks.muon.hidden.set(muon);
  blocks.muon.experts.set({ ...muon, lr: rates.muon * expertFactor });
  blocks.newtonSchulz.set(muonCoefficients(optimizer.newtonSchulz));
}

/** The two scalars that also an evaluation needs. */
export function setLossScale(
  { blocks }: Pick<RunState, 'blocks'>,
  validTargets: number,
  zWeight: number,
): void {
  blocks.loss.set({ scale: validTargets > 0 ? 1 / validTargets : 0, z: zWeight });
}
