/** @file Numbers that sum up repeated measurements. Medians, since a shared machine has outliers on one side only. */

export interface Summary {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The value below which a share of `values` lies, between neighbours in proportion. @throws {RangeError} on none */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('quantile: want at least one value, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const summary = (values: readonly number[]): Summary => ({
  median: median(values),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
  count: values.length,
});

/** Distance between the quartiles over the median: 0.1 means that the middle half lies within a tenth. */
export const spread = ({ median, low, high }: Summary): number =>
  median === 0 ? 0 : (high - low) / median;

/**
 * How many times faster `ours` is than `theirs`: the median over rounds of the ratio within each round, so that
 * a round on a busy machine counts like any other.
 * @throws {RangeError} where the two were not measured in the same rounds
 */
export function pairedRatio(theirs: readonly number[], ours: readonly number[]): Summary {
  if (theirs.length !== ours.length) {
    throw new RangeError(`pairedRatio: ${theirs.length} rounds against ${ours.length}`);
  }
  return summary(theirs.map((time, round) => time / ours[round]!));
}

/** Largest distance between any two of the sequences at one place, over their common length. */
export function largestGap(sequences: readonly (readonly number[])[]): number {
  const length = Math.min(...sequences.map((sequence) => sequence.length));
  let gap = 0;
  for (let i = 0; i < length; i++) {
    const values = sequences.map((sequence) => sequence[i]!);
    gap = Math.max(gap, Math.max(...values) - Math.min(...values));
    // A loss that is not a number agrees with nothing.
    if (values.some(Number.isNaN)) return Number.NaN;
  }
  return gap;
}

/** Slope of log y over log x by least squares: the power with which y grows with x. */
export function growth(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const mean = (pick: (p: { x: number; y: number }) => number) =>
    logs.reduce((sum, p) => sum + pick(p), 0) / logs.length;
  const [mx, my] = [mean((p) => p.x), mean((p) => p.y)];
  const over = logs.reduce((sum, p) => sum + (p.x - mx) * (p.y - my), 0);
  return over / logs.reduce((sum, p) => sum + (p.x - mx) ** 2, 0);
}

/** Times of one thing in several rounds, ms. */
interface Rounds {
  readonly rounds: readonly number[];
  readonly processorRounds?: readonly number[];
}

/** What two things are compared by: processor time where it is known, else time by the clock on the wall. */
export const comparedRounds = ({ processorRounds, rounds }: Rounds): readonly number[] =>
  processorRounds ?? rounds;
