/** @file Ticks and ends of axes. */

/** The round number, 1, 2 or 5 times a power of ten, at or above `size`. */
export function roundUp(size: number): number {
  if (!(size > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5, 10].find((f) => f * power >= size * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Round numbers from `low` to `high`, at most about `count` of them. */
export function ticksBetween(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const step = roundUp((high - low) / count);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** A scale that turns values into a share of the chart's height. */
export interface ValueScale {
  readonly low: number;
  readonly high: number;
  readonly isLog: boolean;
  readonly ticks: readonly number[];
}

/** A log scale round the values, with ticks at 1, 2, 3, 4, 6, 8 times powers of ten. */
export function logScale(values: readonly number[]): ValueScale {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(...positive, 8) * 0.96;
  const high = Math.max(...positive, low * 1.5) * 1.02;
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    for (const factor of [1, 2, 3, 4, 6, 8]) {
      const tick = Number((factor * power).toPrecision(6));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return { low, high, isLog: true, ticks: ticks.length > 3 ? ticks : ticksBetween(low, high, 4) };
}

/** A linear scale from 0 to a round number above every value and `atLeast`. */
export function scaleFromZero(values: readonly number[], atLeast: number): ValueScale {
  const high = Math.max(atLeast, ...values);
  const step = roundUp(high / 4);
  const top = Math.ceil(high / step - 1e-9) * step;
  return { low: 0, high: top, isLog: false, ticks: ticksBetween(0, top, 4) };
}

/** A linear scale as far below 0 as above, little larger than the largest value. */
export function symmetricScale(largest: number): ValueScale {
  const half = (largest > 0 ? largest : 0.01) / 2;
  const power = 10 ** Math.floor(Math.log10(half));
  const factor = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5].find((f) => f * power >= half) ?? 10;
  const step = Number((factor * power).toPrecision(6));
  const top = 2 * step;
  return { low: -top, high: top, isLog: false, ticks: [-top, -step, 0, step, top] };
}

/** Share of the height at which a value stands, from the top, 0 to 1. */
export function fromTop({ low, high, isLog }: ValueScale, value: number): number {
  const share = isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return 1 - Math.min(1, Math.max(0, share));
}

/**
 * The end of the step axis: a little past the newest step, so that it does not move with each one.
 * Charts are drawn one after the other, and a straight line down the page needs equal ends.
 */
export function stepAxisEnd(lastStep: number): number {
  const grain = roundUp(Math.max(lastStep, 10) / 20);
  return Math.max(10, Math.ceil(lastStep / grain) * grain);
}

/** Means of the neighbours on both sides; the first and last points keep fewer neighbours. */
export function smoothed(values: readonly number[]): number[] {
  const reach = Math.floor(values.length / 60);
  const sums = [0];
  for (const value of values) sums.push(sums[sums.length - 1]! + value);
  return values.map((_, i) => {
    const wide = Math.min(reach, i, values.length - 1 - i);
    return (sums[i + wide + 1]! - sums[i - wide]!) / (2 * wide + 1);
  });
}
