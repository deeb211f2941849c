/**
 * @file Lines over steps: our only use of recharts. It is SVG and slow, so it gets few points, no
 * animation, no dots, no axes of its own, and is drawn again only when its rows are other ones.
 */
import { memo } from 'react';
import { Line, LineChart, XAxis, YAxis } from 'recharts';
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

interface LinesProps {
  readonly width: number;
  readonly height: number;
  /** Last step of the axis. */
  readonly end: number;
  readonly scale: ValueScale;
  readonly rows: readonly LineRow[];
  readonly lines: readonly LineStyle[];
}

const NO_MARGIN = { top: 0, right: 0, bottom: 0, left: 0 };

export const Lines = memo(function Lines(props: LinesProps) {
  const { width, height, end, scale, rows, lines } = props;
  return (
    <LineChart
      width={width}
      height={height}
      data={rows}
      margin={NO_MARGIN}
      accessibilityLayer={false}
    >
      <XAxis dataKey="step" type="number" domain={[0, end]} allowDataOverflow hide />
      <YAxis
        type="number"
        scale={scale.isLog ? 'log' : 'linear'}
        domain={[scale.low, scale.high]}
        allowDataOverflow
        hide
      />
      {lines.map(({ key, color, width: strokeWidth, opacity, dash, hasDots }) => (
        <Line
          key={key}
          dataKey={key}
          type="linear"
          stroke={color}
          strokeWidth={strokeWidth}
          strokeOpacity={opacity ?? 1}
          strokeDasharray={dash ?? ''}
          dot={hasDots ? { r: 2, strokeWidth: 1, fill: 'var(--bg)', strokeDasharray: '' } : false}
          activeDot={false}
          isAnimationActive={false}
          connectNulls
        />
      ))}
    </LineChart>
  );
});

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
