/** @file How evenly the experts are loaded, in figures: from the tokens of each expert, a row for each mixture layer. */
import type { MetricValues } from '@/engine/config/metrics';

/** (busiest − mean) / mean of each row of counts [rows, E]; 0 is a perfect balance. Trinity, eq. 42. */
export function maxVio(counts: Uint32Array, E: number): Float32Array {
  return Float32Array.from(rows(counts, E), (loads) => {
    const average = mean(loads);
    return (Math.max(...loads) - average) / average;
  });
}

/** MaxVio of the loads of several batches added up, worst layer: "global" as in Wang et al., arXiv:2408.15664. */
export function globalMaxVio(batches: readonly Uint32Array[], E: number): number {
  const total = batches[0]!.map((_, i) => batches.reduce((sum, counts) => sum + counts[i]!, 0));
  return Math.max(...maxVio(total, E));
}

/** MaxVio of each batch, averaged over the batches, worst layer: "batch" in the same paper. */
export function batchMaxVio(batches: readonly Uint32Array[], E: number): number {
  const vios = batches.map((counts) => maxVio(counts, E));
  return Math.max(...vios[0]!.map((_, row) => mean(vios.map((layers) => layers[row]!))));
}

/** Every figure of a step's load; none without rows. */
export function loadFigures(counts: Uint32Array, E: number): MetricValues {
  const layers = rows(counts, E);
  if (layers.length === 0) return {};
  const vios = [...maxVio(counts, E)];
  const used = counts.reduce((sum, count) => sum + Number(count > 0), 0);
  return {
    'router.maxVio': Math.max(...vios),
    'router.meanMaxVio': mean(vios),
    'router.deadExperts': counts.length - used,
    'router.utilisation': (100 * used) / counts.length,
    'router.loadVariation': mean(layers.map(variation)),
    // One expert has no other way to be loaded: neither even nor uneven.
    ...(E > 1 ? { 'router.loadEntropy': mean(layers.map(entropy)) } : {}),
  };
}

/** Deviation over mean, of all experts and not of a sample. */
function variation(loads: readonly number[]): number {
  const average = mean(loads);
  return Math.sqrt(mean(loads.map((load) => (load - average) ** 2))) / average;
}

/** Entropy of the shares over that of equal ones: 1 at a perfect balance, 0 where one expert takes all. */
function entropy(loads: readonly number[]): number {
  const total = loads.reduce((sum, load) => sum + load, 0);
  const nats = loads.reduce((sum, load) => {
    const share = load / total;
    return share > 0 ? sum - share * Math.log(share) : sum;
  }, 0);
  return nats / Math.log(loads.length);
}

const rows = (counts: Uint32Array, E: number): number[][] =>
  Array.from({ length: counts.length / E }, (_, row) => [
    ...counts.subarray(row * E, (row + 1) * E),
  ]);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
