/** @file Turns settings and the step number into the live scalars of a step. */
import type { Settings } from '@/engine/config/settings';
import { balancerKinds } from '@/engine/ops/loadBalance';
import { biasCorrection, learningRateFactor, muonCoefficients } from '@/engine/optim/schedule';
import type { RunState } from './state';

/** Added to the Frobenius norm before Newton–Schulz, as in microsoft/dion. */
const NEWTON_SCHULZ_EPS = 1e-7;

export interface Rates {
  readonly muon: number;
  readonly adamw: number;
}

/** Rates of the 0-based step after the schedule. */
export function ratesAt(step: number, { optimizer, schedule }: Settings): Rates {
  const factor = learningRateFactor(step, schedule);
  return { muon: optimizer.muonLearningRate * factor, adamw: optimizer.adamwLearningRate * factor };
}

/**
 * Sets every block for the 0-based `step`; `flush` of the live scalars sends them.
 * @param validTargets number of targets of the batch that count.
 */
export function setLiveValues(
  { blocks }: RunState,
  settings: Settings,
  step: number,
  validTargets: number,
): void {
  const { optimizer, balance, loss } = settings;
  const rates = ratesAt(step, settings);
  const adam = {
    lr: rates.adamw,
    beta1: optimizer.adamwBeta1,
    beta2: optimizer.adamwBeta2,
    eps: optimizer.adamwEps,
    correction1: biasCorrection(optimizer.adamwBeta1, step),
    correction2: biasCorrection(optimizer.adamwBeta2, step),
  };
  blocks.matrices.set({ ...adam, weightDecay: optimizer.adamwWeightDecay });
  blocks.gains.set({ ...adam, weightDecay: optimizer.normWeightDecay });
  blocks.muon.set({
    lr: rates.muon,
    momentum: optimizer.muonMomentum,
    nesterov: Number(optimizer.muonNesterov),
    weightDecay: optimizer.muonWeightDecay,
    eps: NEWTON_SCHULZ_EPS,
  });
  blocks.newtonSchulz.set(muonCoefficients(optimizer.newtonSchulz));
  blocks.gradientNorm.set({ limit: optimizer.gradientClip });
  const { gamma, lambda, beta, kappa } = balance;
  blocks.loadBalance.set({ kind: balancerKinds[balance.kind], gamma, lambda, beta, kappa });
  blocks.balance.set({ alpha: loss.sequenceBalance });
  setLossScale({ blocks }, validTargets, loss.zWeight);
  blocks.position.set({ offset: 0 });
}

/** The two scalars that also an evaluation needs. */
export function setLossScale(
  { blocks }: Pick<RunState, 'blocks'>,
  validTargets: number,
  zWeight: number,
): void {
  blocks.loss.set({ scale: validTargets > 0 ? 1 / validTargets : 0, z: zWeight });
}
