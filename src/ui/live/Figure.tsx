import { type MetricName, metrics } from '@/engine/config/metrics';
import { formatMetric, NOTHING } from '@/ui/format/numbers';
import { classes } from '@/ui/theme/classes';
import styles from './Figure.module.css';
import { useLatest } from './hooks';

/**
 * A live number of the metrics table: `data-metric`, `data-step` and `data-value` (full precision)
 * for whoever reads the page by script. `isResting` writes a dash, for rates while nothing moves.
 */
export function Figure({ metric, isResting }: { metric: MetricName; isResting?: boolean }) {
  const point = useLatest(metric);
  const { text, unit } = point
    ? formatMetric(metric, point.value)
    : { text: NOTHING, unit: metrics[metric].unit === 'bytes' ? '' : metrics[metric].unit };
  const isBad = point !== undefined && !Number.isFinite(point.value);
  return (
    <span
      className={classes(styles['figure'], isBad && styles['bad'])}
      data-metric={metric}
      data-step={point?.step}
      data-value={point && String(point.value)}
      title={metrics[metric].help}
    >
      {isResting ? NOTHING : text}
      {unit && !isBad && <span className={styles['unit']}>{unit}</span>}
    </span>
  );
}

/** A live number of an array: the same attributes, with the layer that it belongs to. */
export function LayerFigure(props: {
  metric: string;
  layer: number;
  step: number;
  value: number;
  text: string;
}) {
  return (
    <span
      data-metric={props.metric}
      data-layer={props.layer}
      data-step={props.step}
      data-value={String(props.value)}
    >
      {props.text}
    </span>
  );
}
