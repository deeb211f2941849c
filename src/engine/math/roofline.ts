/** @file The least time that work can take on an adapter whose two peaks are known: Williams et al. 2009. */

/** Operations and bytes; of some work, or a second. */
export interface Amounts {
  readonly flops: number;
  readonly bytes: number;
}

/** Milliseconds at the peak that binds; the share of the peak is this over the measured time. */
export const leastMs = (work: Amounts, peaks: Amounts): number =>
  1000 * Math.max(work.flops / peaks.flops, work.bytes / peaks.bytes);
