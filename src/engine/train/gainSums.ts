/** @file The gradients of all gains of a model, added up by one dispatch at the end of the way back. */
import type { Tape } from '@/engine/gpu/tape';
import type { Weights } from '@/engine/model/weights';
import { chunkCount, columnSum, sumWidth } from '@/engine/ops/columnSum';

/** Elements of the largest matrix of sums: larger models take fewer chunks of tokens. */
const MOST = 2 ** 22;

/**
 * Lets every norm leave the sums of its gain over chunks of `tokens` side by side. What it returns records the one sum
 * over all of them and is to be called behind the backward pass.
 * @throws {Error} then, where a gain has got no gradient.
 */
export function bindGainSums(tape: Tape, weights: Weights, tokens: number): () => void {
  const ranges = weights.adamw.filter(({ group }) => group === 'gains');
  const sums = ranges.map(({ gradients }) => {
    const width = sumWidth(gradients.length);
    const chunks = Math.min(chunkCount(tokens), Math.max(1, Math.floor(MOST / width)));
    const sums_PN = tape.tensor([chunks, width], 'gain sums');
    for (const { spec, weight, gradient } of weights.entries()) {
      const { place } = gradient;
      const start = gradient.offset - gradients.offset;
      const isInside =
        place?.heap === gradients.place?.heap && start >= 0 && start < gradients.bytes;
      if (spec.role === 'gain' && isInside) tape.bindSums(weight, sums_PN, start / 4);
    }
    return { sums_PN, gradients };
  });
  return () => {
    const [left] = tape.untakenSums;
    if (left) throw new Error(`${left.label}: its gradient was never taken`);
    for (const { sums_PN, gradients } of sums)
      columnSum(tape, sums_PN, { tensor: gradients, add: 1 });
  };
}
