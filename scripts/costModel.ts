/**
 * @file What the time of a step grows with, fitted to the sweeps of the bench. Times of different sweeps were measured
 * at different moments of a machine, so each sweep has a scale of its own and only ratios within it count.
 */

/** One case of a sweep. */
export interface CostPoint {
  readonly sweep: string;
  /** The size that is varied. */
  readonly x: number;
  /**
   * Time of each round over that of the first case of the sweep in the same round: median and quartiles. Processor
   * time on a software adapter.
   */
  readonly ratio: { readonly median: number; readonly low: number; readonly high: number };
  /** Of a step: operations of the mathematics, and bytes as planned. */
  readonly flops: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
}

/**
 * Time in units of one operation of the mathematics: flops + fixed + perWeightByte × bytes of weights +
 * perActivationByte × bytes of activations.
 */
export interface CostModel {
  readonly fixed: number;
  readonly perWeightByte: number;
  readonly perActivationByte: number;
  /** Root mean square of the logarithm of modelled over measured ratios: 0.1 is ten per cent. */
  readonly error: number;
}

const ROUNDS = 200;

const termsOf = (point: CostPoint): number[] => [
  point.flops,
  1,
  point.weightBytes,
  point.activationBytes,
];

/** Time of a case, in operations. */
export const modelled = (model: CostModel, point: CostPoint): number =>
  point.flops +
  model.fixed +
  model.perWeightByte * point.weightBytes +
  model.perActivationByte * point.activationBytes;

/** Alternates between the scales of the sweeps and the coefficients, none of which is negative. */
export function fitCosts(points: readonly CostPoint[]): CostModel {
  const scales = new Map(points.map(({ sweep }) => [sweep, 1]));
  let best: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rows = points.map((point) => {
      const time = scales.get(point.sweep)! * point.ratio.median;
      return termsOf(point).map((term) => term / time);
    });
    best = leastSquares(rows);
    for (const sweep of scales.keys()) {
      const own = points.filter((point) => point.sweep === sweep);
      const logs = own.map((point) => Math.log(dot(termsOf(point), best) / point.ratio.median));
      scales.set(sweep, Math.exp(mean(logs)));
    }
    // Only ratios are known: an operation counts as one.
    const unit = best[0] || 1;
    for (const [sweep, scale] of scales) scales.set(sweep, scale / unit);
  }
  const [flops = 1, fixed = 0, weight = 0, activation = 0] = best;
  const model = {
    fixed: fixed / flops,
    perWeightByte: weight / flops,
    perActivationByte: activation / flops,
    error: 0,
  };
  const off = points.map((point) => {
    const first = points.find(({ sweep }) => sweep === point.sweep)!;
    return Math.log(modelled(model, point) / modelled(model, first) / point.ratio.median);
  });
  return { ...model, error: Math.sqrt(mean(off.map((x) => x * x))) };
}

/** Coefficients that bring every row nearest to one, none negative: the best of all choices of terms. */
function leastSquares(rows: readonly (readonly number[])[]): number[] {
  const terms = rows[0]!.map((_, i) => i);
  let best = { error: Number.POSITIVE_INFINITY, values: terms.map(() => 0) };
  for (let choice = 1; choice < 2 ** terms.length; choice++) {
    // The first term, operations, is always there: it is the unit.
    const chosen = terms.filter((i) => i === 0 || (choice >> i) & 1);
    const found = solved(rows.map((row) => chosen.map((i) => row[i]!)));
    if (!found || found.some((value) => value < 0)) continue;
    const values = terms.map((i) => found[chosen.indexOf(i)] ?? 0);
    const error = rows.reduce((sum, row) => sum + (dot(row, values) - 1) ** 2, 0);
    if (error < best.error) best = { error, values };
  }
  return best.values;
}

/** Normal equations for a right side of ones, columns scaled to the same length; undefined where they have no answer. */
function solved(rows: readonly (readonly number[])[]): number[] | undefined {
  const lengths = rows[0]!.map((_, i) => Math.hypot(...rows.map((row) => row[i]!)));
  const scaled = rows.map((row) => row.map((value, i) => value / lengths[i]!));
  const size = lengths.length;
  const matrix = lengths.map((_, i) => [
    ...lengths.map((_, j) => scaled.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    scaled.reduce((sum, row) => sum + row[i]!, 0),
  ]);
  for (let pivot = 0; pivot < size; pivot++) {
    const line = matrix[pivot]!;
    if (Math.abs(line[pivot]!) < 1e-12) return undefined;
    for (let other = 0; other < size; other++) {
      if (other === pivot) continue;
      const factor = matrix[other]![pivot]! / line[pivot]!;
      for (let i = pivot; i <= size; i++) matrix[other]![i]! -= factor * line[i]!;
    }
  }
  return matrix.map((line, i) => line[size]! / line[i]! / lengths[i]!);
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
