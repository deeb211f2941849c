import type { LiveChange } from '@/engine/config/experiment';
import { formatFixed } from '@/ui/format/numbers';
import { changeWords, settingName } from '@/ui/format/settings';
import { useRun } from '@/ui/live/hooks';
import { linkUpTo } from '@/ui/state/experiments';
import { classes } from '@/ui/theme/classes';
import styles from './Markers.module.css';

/** Room that a name needs before the next marker, in pixels. */
const NAME_WIDTH = 130;

interface MarkersProps {
  /** Last step of the axis. */
  readonly end: number;
  readonly width: number;
  readonly hasNames: boolean;
}

/** One coral line for each step at which the visitor changed something. */
export function Markers({ end, width, hasNames }: MarkersProps) {
  const applied = useRun((state) => state.applied);
  const steps = [...new Set(applied.map((change) => change.step))].filter((step) => step <= end);
  return steps.map((step, i) => {
    const left = (step / end) * width;
    const next = steps[i + 1];
    const room = (next === undefined ? width : (next / end) * width) - left;
    return (
      <Marker
        key={step}
        step={step}
        left={left}
        isRight={left < width / 2}
        hasName={hasNames && room >= NAME_WIDTH}
        changes={applied.filter((change) => change.step === step)}
        isTabStop={hasNames}
      />
    );
  });
}

function Marker(props: {
  step: number;
  left: number;
  isRight: boolean;
  hasName: boolean;
  isTabStop: boolean;
  changes: readonly LiveChange[];
}) {
  const { step, left, changes } = props;
  const experiment = useRun((state) => state.experiment);
  const words = changes.map((change) => changeWords(change));
  const first = changes[0];
  return (
    <div className={styles['marker']} style={{ left }}>
      <button
        type="button"
        className={styles['line']}
        tabIndex={props.isTabStop ? 0 : -1}
        aria-label={`Step ${step}: ${words.join(', ')}`}
      />
      {props.hasName && first && (
        <span className={styles['name']} aria-hidden="true">
          {settingName(first.path, first.to)}
        </span>
      )}
      <div className={classes(styles['card'], !props.isRight && styles['toLeft'])}>
        <strong>After step {formatFixed(step, 0)}</strong>
        {words.map((line) => (
          <span key={line}>{line}</span>
        ))}
        <a href={linkUpTo(experiment, step)}>link to the run up to here</a>
      </div>
    </div>
  );
}
