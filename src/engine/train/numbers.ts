/** @file From the numbers of a step to named metrics. */
import type { MetricValues } from '@/engine/config/metrics';
import type { Settings } from '@/engine/config/settings';
import { ratesAt } from './liveValues';
import { loadFigures } from './loadFigures';
import type { StepNumbers } from './stepNumbers';

/** Total loss with the weights of its parts. */
export const totalLoss = (
  { crossEntropy, squaredLse, sequenceBalance, switchBalance }: StepNumbers,
  { loss }: Settings,
): number =>
  crossEntropy +
  loss.zWeight * squaredLse +
  loss.sequenceBalance * sequenceBalance +
  loss.switchBalance * switchBalance;

/** Every scalar of the 0-based `step`; steps count from 1 once finished. */
export function metricsOf(
  numbers: StepNumbers,
  step: number,
  settings: Settings,
  hasMixtures: boolean,
): MetricValues {
  const { crossEntropy, squaredLse, gradientNorm, clipScale, logits } = numbers;
  const rates = ratesAt(step, settings);
  return {
    'train.step': step + 1,
    'train.loss': totalLoss(numbers, settings),
    'train.crossEntropy': crossEntropy,
    'train.bitsPerByte': crossEntropy / Math.LN2,
    'train.zLoss': settings.loss.zWeight * squaredLse,
    ...(logits ? { 'train.maxLogit': logits.max, 'train.meanLogit': logits.mean } : {}),
    'train.gradientNorm': gradientNorm,
    'train.clipScale': clipScale,
    ...(settings.optimizer.hidden === 'muon' ? { 'train.muonLearningRate': rates.muon } : {}),
    'train.adamwLearningRate': rates.adamw,
    'train.microBatches': numbers.microBatches,
    ...(numbers.batchHet === undefined ? {} : { 'train.batchHet': numbers.batchHet }),
    ...(hasMixtures ? routerFigures(numbers, settings) : {}),
  };
}

const routerFigures = (numbers: StepNumbers, { model, loss, balance }: Settings): MetricValues => ({
  'train.sequenceBalance': loss.sequenceBalance * numbers.sequenceBalance,
  'train.switchBalance': loss.switchBalance * numbers.switchBalance,
  ...loadFigures(numbers.counts, model.expertCount),
  'router.biasNorm': numbers.biasNorm,
  ...(numbers.margin === undefined ? {} : { 'router.margin': numbers.margin }),
  ...(numbers.overflow === undefined ? {} : { 'router.recycled': 100 * numbers.overflow }),
  // The other balancers leave the momentum as it was.
  ...(balance.kind === 'smebu' ? { 'router.momentumNorm': numbers.momentumNorm } : {}),
});
