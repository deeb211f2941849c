import { memo } from 'react';
import styles from './SpikeMarks.module.css';

/** Marks that come closer than this are one, in pixels. */
const LEAST_DISTANCE = 4;

/** A small triangle at the top of a time chart for each step with a spike of the loss. */
export const SpikeMarks = memo(function SpikeMarks(props: {
  steps: readonly number[];
  /** Last step of the axis. */
  end: number;
  width: number;
}) {
  const { steps, end, width } = props;
  return apartBy(
    steps.map((step) => (step / end) * width),
    LEAST_DISTANCE,
  ).map((left) => <i key={left} className={styles['spike']} style={{ left }} />);
});

/** Places in rising order without those that stand closer than `distance` behind a kept one. */
export function apartBy(places: readonly number[], distance: number): number[] {
  const kept: number[] = [];
  for (const place of places) {
    const last = kept.at(-1);
    if (last === undefined || place - last >= distance) kept.push(place);
  }
  return kept;
}
