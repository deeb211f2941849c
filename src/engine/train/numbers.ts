/** @file From the numbers of a step to named metrics. */
import type { MetricValues } from '@/engine/config/metrics';
import type { Settings } from '@/engine/config/settings';
import { ratesAt } from './liveValues';
import type { StepNumbers } from './stepNumbers';

/** (busiest − mean) / mean of each row of counts [rows, E]; 0 is a perfect balance. Trinity, eq. 42. */
export function maxVio(counts: Uint32Array, E: number): Float32Array {
  return Float32Array.from({ length: counts.length / E }, (_, row) => {
    const loads = counts.subarray(row * E, (row + 1) * E);
    const mean = loads.reduce((a, b) => a + b, 0) / E;
    return (Math.max(...loads) - mean) / mean;
  });
}

/** Total loss with the weights of its parts. */
export const totalLoss = (
  { crossEntropy, squaredLse, sequenceBalance }: StepNumbers,
  { loss }: Settings,
): number => crossEntropy + loss.zWeight * squaredLse + loss.sequenceBalance * sequenceBalance;

/** Every scalar of the 0-based `step`; steps count from 1 once finished. */
export function metricsOf(
  numbers: StepNumbers,
  step: number,
  settings: Settings,
  hasMixtures: boolean,
): MetricValues {
  const { crossEntropy, squaredLse, sequenceBalance, gradientNorm, clipScale, counts } = numbers;
  const rates = ratesAt(step, settings);
  const vios = hasMixtures ? maxVio(counts, settings.model.expertCount) : new Float32Array();
  return {
    'train.step': step + 1,
    'train.loss': totalLoss(numbers, settings),
    'train.crossEntropy': crossEntropy,
    'train.bitsPerByte': crossEntropy / Math.LN2,
    'train.zLoss': settings.loss.zWeight * squaredLse,
    'train.sequenceBalance': settings.loss.sequenceBalance * sequenceBalance,
    'train.gradientNorm': gradientNorm,
    'train.clipScale': clipScale,
    ...(settings.optimizer.hidden === 'muon' ? { 'train.muonLearningRate': rates.muon } : {}),
    'train.adamwLearningRate': rates.adamw,
    'train.microBatches': numbers.microBatches,
    ...(numbers.batchHet === undefined ? {} : { 'train.batchHet': numbers.batchHet }),
    ...(vios.length > 0
      ? {
          'router.maxVio': Math.max(...vios),
          'router.meanMaxVio': vios.reduce((a, b) => a + b, 0) / vios.length,
          'router.deadExperts': counts.reduce((sum, n) => sum + Number(n === 0), 0),
          'router.biasNorm': numbers.biasNorm,
        }
      : {}),
  };
}
