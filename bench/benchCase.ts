/** @file What a case is: a name, the work that it must do at least, and how it is recorded. */
import type { Workbench } from './workbench';

export interface BenchCase {
  /** Group first, so that a pattern takes a whole group. */
  readonly name: string;
  /** Sizes by the letters of docs/shapes.md. */
  readonly shape: Readonly<Record<string, number>>;
  /** Operations that the mathematics asks for, a multiply-add counted as two; 0 where none is worth counting. */
  readonly flops: number;
  /** Bytes that must be read and written at least once, each counted once. */
  readonly bytes: number;
  /** Records the dispatches; those after `bench.startTiming()`, or all, are timed. */
  record(bench: Workbench): void;
}

/** Bytes of so many elements of four bytes. */
export const words = (count: number): number => 4 * count;
