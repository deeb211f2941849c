/** @file One dispatch of a kernel as it is recorded: names and sizes, no buffers yet. */
import type { Kernel } from './kernel';
import type { LiveBlock } from './live';
import type { Tensor } from './tensor';

/** Workgroups along each axis. */
export type Grid = readonly [number, number, number];

export interface Dispatch {
  readonly kernel: Kernel;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly params: Readonly<Record<string, number>>;
  readonly overrides: Readonly<Record<string, number>>;
  readonly live: LiveBlock | undefined;
  readonly grid: Grid;
  /** Rough work, in multiply-adds: where a slow adapter's step is cut into several submits. */
  readonly cost: number;
  /** What it consists of, where it is several at once. */
  readonly parts?: readonly Dispatch[];
  /** Name of the optional part that it belongs to; undefined: always runs. */
  readonly section: string | undefined;
}

/** Workgroups that a grid may have along one axis. */
export const MAX_GROUPS = 65_535;

/** `groups` workgroups spread over x and y where x alone would be too long. */
export function folded(groups: number): Grid {
  const rows = Math.max(1, Math.ceil(groups / MAX_GROUPS));
  return [Math.ceil(groups / rows), rows, 1];
}
