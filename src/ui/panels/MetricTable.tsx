/** @file Metrics one below the other: name, its course over the run, its newest value. */
import { type ReactNode, useCallback, useMemo } from 'react';
import { type MetricName, metrics } from '@/engine/config/metrics';
import { stepAxisEnd } from '@/ui/charts/axis';
import { Spark } from '@/ui/charts/Spark';
import { formatFixed } from '@/ui/format/numbers';
import { Figure } from '@/ui/live/Figure';
import { useDrawn, useLatest, useRun } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import styles from './MetricTable.module.css';

const SPARK_POINTS = 80;

interface MetricTableProps {
  /** The same array from one drawing to the next, or the curves are read each time. */
  readonly rows: readonly MetricName[];
  /** Something behind a name. */
  readonly extras?: Readonly<Partial<Record<MetricName, ReactNode>>>;
  /** A line under a name: what the number means. */
  readonly notes?: Readonly<Partial<Record<MetricName, string>>>;
}

export function MetricTable({ rows, extras, notes }: MetricTableProps) {
  const applied = useRun((state) => state.applied);
  const read = useCallback(
    ({ series }: Recorder) => ({
      sparks: rows.map((metric) => series.points(metric, SPARK_POINTS)),
      end: stepAxisEnd(series.lastStep),
    }),
    [rows],
  );
  const { sparks, end } = useDrawn(read, 500);
  const marks = useMemo(() => [...new Set(applied.map((change) => change.step))], [applied]);
  return (
    <table className={styles['facts']}>
      <tbody>
        {rows.map((metric, i) => (
          <tr key={metric}>
            <th scope="row">
              {metrics[metric].label}
              {extras?.[metric]}
              {notes?.[metric] && <span className={styles['note']}>{notes[metric]}</span>}
            </th>
            <td className={styles['spark']}>
              <Spark points={sparks[i]!} end={end} marks={marks} />
            </td>
            <td className={styles['number']}>
              <Figure metric={metric} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** For a metric that is measured now and then: `, step 120`. */
export function MeasuredAt({ metric }: { metric: MetricName }) {
  const latest = useLatest(metric);
  return latest ? `, step ${formatFixed(latest.step, 0)}` : null;
}
