/** @file The rate of the routed experts against that of everything else. Hunyuan-Large, arXiv:2411.02265, 2.2.4. */
import { microBatchesAt } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';

/**
 * Best rate of Adam-like optimizers at a batch of `tokens`, in units of the largest one: it grows up to the noise
 * batch and falls beyond it. Li et al. 2024, arXiv:2405.14578.
 */
const bestRate = (tokens: number, noiseBatch: number): number =>
  2 / (Math.sqrt(noiseBatch / tokens) + Math.sqrt(tokens / noiseBatch));

type Needed = Pick<Settings, 'optimizer' | 'schedule' | 'data' | 'model'>;

/**
 * Factor on rate and decay of the routed experts at the 0-based `step`. By formula it is that of the batch which
 * one expert sees, B K / E tokens, against B, those of the step in all its micro-batches; over 1 where B is far
 * beyond the noise batch.
 */
export function expertRateFactor(
  step: number,
  { optimizer, schedule, data, model }: Needed,
): number {
  const { expertRate, expertRateFactor: factor, noiseBatch } = optimizer;
  if (expertRate === 'same') return 1;
  if (expertRate === 'fixed') return factor;
  const tokens = microBatchesAt(step, schedule) * data.batchSequences * data.contextLength;
  const expertTokens = (tokens * model.expertsPerToken) / model.expertCount;
  return bestRate(expertTokens, noiseBatch) / bestRate(tokens, noiseBatch);
}
