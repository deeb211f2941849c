/**
 * @file Our only use of recharts. It is SVG and slow, so it gets few points, no animation, no dots
 * but where they mean something, no axes of its own, and draws again only when its rows are other ones.
 */
import { memo } from 'react';
import { type CurveProps, Line, LineChart, XAxis, YAxis } from 'recharts';
import type { LinesProps } from './Lines';

/**
 * Points joined by straight lines. recharts' own shape measures the length of its path each time it
 * is drawn, for an animation that we do not have; that was a third of its cost.
 */
function StraightLine({
  points = [],
  stroke,
  strokeWidth,
  strokeOpacity,
  strokeDasharray,
}: CurveProps) {
  const path = points
    .filter(({ x, y }) => x != null && y != null)
    .map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x!.toFixed(1)},${y!.toFixed(1)}`);
  return (
    <path
      d={path.join('')}
      fill="none"
      stroke={stroke}
      strokeWidth={strokeWidth}
      strokeOpacity={strokeOpacity}
      strokeDasharray={strokeDasharray}
      strokeLinejoin="round"
    />
  );
}

const NO_MARGIN = { top: 0, right: 0, bottom: 0, left: 0 };

export const LineDrawing = memo(function LineDrawing(props: LinesProps) {
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
          shape={StraightLine}
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
