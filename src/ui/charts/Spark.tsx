import { memo } from 'react';
import type { Point } from '@/ui/state/curve';
import styles from './Spark.module.css';

const WIDTH = 100;
const HEIGHT = 18;
/** Space above and below the line, so that its stroke is not cut. */
const EDGE = 1.5;

interface SparkProps {
  readonly points: readonly Point[];
  /** Last step of the axis. */
  readonly end: number;
  /** Steps with a live change. */
  readonly marks?: readonly number[];
}

/** A small curve beside a number: its shape, without axes. The number beside it is what is read out. */
export const Spark = memo(function Spark({ points, end, marks = [] }: SparkProps) {
  const values = points.map((point) => point.value);
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const y = (value: number) =>
    span > 0 ? HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE) : HEIGHT / 2;
  const path = points.map(
    ({ step, value }) => `${((step / end) * WIDTH).toFixed(1)},${y(value).toFixed(1)}`,
  );
  return (
    <svg
      className={styles['spark']}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polyline points={path.join(' ')} className={styles['line']} />
      {marks.map((step) => (
        <line
          key={step}
          x1={(step / end) * WIDTH}
          x2={(step / end) * WIDTH}
          y1={0}
          y2={HEIGHT}
          className={styles['mark']}
        />
      ))}
    </svg>
  );
});
