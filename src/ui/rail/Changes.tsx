import { presetById } from '@/engine/config/presets';
import { Button } from '@/ui/components/Button';
import { formatFixed } from '@/ui/format/numbers';
import { changeWords } from '@/ui/format/settings';
import { useDrawn, useLab, useRun } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { reproduce } from '@/ui/state/transport';
import styles from './Changes.module.css';
import { Section } from './Section';

/** Everything that was changed while it ran, and the way to do it all again. */
export function Changes() {
  const { preset, timeline } = useRun((state) => state.experiment);
  const applied = useRun((state) => state.applied);
  const seed = useRun((state) => state.now.run.seed);
  return (
    <Section title="Changes in this run" aside="part of the link">
      <ol className={styles['log']}>
        {timeline.toReversed().map((change) => (
          <li key={`${change.step} ${change.path}`}>
            <span>{formatFixed(change.step, 0)}</span>
            <span>
              {changeWords(change)}
              {!applied.some((one) => one.step === change.step && one.path === change.path) &&
                ', to come'}
            </span>
          </li>
        ))}
        <li>
          <span>0</span>
          <span>
            started from <b>{presetById(preset)?.label ?? preset}</b>, seed {seed}
          </span>
        </li>
      </ol>
      <Again />
    </Section>
  );
}

/** Numbers of the recorder that the section shows; a new object only with its turn. */
const readReproduction = ({ reproduction, losses }: Recorder) => ({
  hasLosses: losses.length > 0,
  verdict: reproduction && {
    compared: reproduction.comparedCount,
    last: reproduction.lastStep,
    isComplete: reproduction.isComplete,
    difference: reproduction.difference,
  },
});

function Again() {
  const lab = useLab();
  const { hasLosses, verdict } = useDrawn(readReproduction, 250);
  const isPreparing = useRun((state) => state.phase === 'preparing');
  return (
    <>
      {verdict && <Verdict {...verdict} />}
      <div className={styles['foot']}>
        <span>same link, same adapter, same bits</span>
        <Button size="small" isDisabled={!hasLosses || isPreparing} onPress={() => reproduce(lab)}>
          Reproduce
        </Button>
      </div>
    </>
  );
}

function Verdict(props: NonNullable<ReturnType<typeof readReproduction>['verdict']>) {
  const { compared, last, isComplete, difference } = props;
  if (difference) {
    return (
      <p className={styles['verdict']} role="status">
        <b>The losses part at step {formatFixed(difference.step, 0)}:</b> {difference.recorded} the
        first time, {difference.repeated} now.
      </p>
    );
  }
  const counted = `${formatFixed(compared, 0)} ${compared === 1 ? 'loss' : 'losses'}`;
  return (
    <p className={styles['verdict']} role={isComplete ? 'status' : undefined}>
      {isComplete ? (
        <>
          <b>Reproduced:</b> {counted} to step {formatFixed(last, 0)}, equal bit for bit.
        </>
      ) : (
        <>
          <b>Reproducing:</b> {counted} equal bit for bit so far, of steps up to{' '}
          {formatFixed(last, 0)}.
        </>
      )}
    </p>
  );
}
