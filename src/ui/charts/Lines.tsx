/** @file Lines over steps: what they are made of. */
import { lazy, Suspense } from 'react';
import type { Point } from '@/ui/state/curve';
import type { ValueScale } from './axis';

export interface LineStyle {
  readonly key: string;
  /** CSS colour. */
  readonly color: string;
  readonly width: number;
  readonly opacity?: number;
  /** SVG dash pattern. */
  readonly dash?: string;
  /** Hollow dots at the points themselves. */
  readonly hasDots?: boolean;
}

/** One step of the chart: `step` and a value for each line that has one there. */
export type LineRow = Readonly<Record<string, number>>;

export interface LinesProps {
  readonly width: number;
  readonly height: number;
  /** Last step of the axis. */
  readonly end: number;
  readonly scale: ValueScale;
  readonly rows: readonly LineRow[];
  readonly lines: readonly LineStyle[];
}

// A chunk of its own: recharts is half of the page's code, and the page stands before it is read.
const LineDrawing = lazy(() =>
  import('./LineDrawing').then((module) => ({ default: module.LineDrawing })),
);

/** Lines over steps, in a plot whose axes are drawn by its frame. */
export const Lines = (props: LinesProps) => (
  <Suspense fallback={null}>
    <LineDrawing {...props} />
  </Suspense>
);

/** Curves as rows: one for each step that any of them has, in order. */
export function rowsOf(curves: Readonly<Record<string, readonly Point[]>>): LineRow[] {
  const rows = new Map<number, Record<string, number>>();
  for (const [key, points] of Object.entries(curves)) {
    for (const { step, value } of points) {
      const row = rows.get(step) ?? { step };
      row[key] = value;
      rows.set(step, row);
    }
  }
  return [...rows.values()].sort((a, b) => a['step']! - b['step']!);
}
