import { Group } from 'react-aria-components';
import { Button } from '@/ui/components/Button';
import { useLab, useRun } from '@/ui/live/hooks';
import { startAgain } from '@/ui/state/boot';
import { isTextMissing } from '@/ui/state/run';
import { pause, play, reset, rewind, step } from '@/ui/state/transport';
import styles from './RunBar.module.css';

/** Play or pause, one step, back to the start; after a failure, the way back. */
export function Transport() {
  const lab = useLab();
  const phase = useRun((state) => state.phase);
  const isRunning = phase === 'training';
  const isPrepared = useRun((state) => state.info !== undefined);
  const isReady = useRun(
    (state) =>
      state.adapter !== undefined &&
      state.crash === undefined &&
      state.plan?.refusal === undefined &&
      !isTextMissing(state),
  );
  const isPreparing = phase === 'preparing';
  return (
    <Group className={styles['transport'] ?? ''} aria-label="Run">
      {phase === 'stopped' ? (
        <Recover />
      ) : isRunning ? (
        <Button kind="go" icon="pause" onPress={() => pause(lab)}>
          Pause
        </Button>
      ) : (
        <Button
          kind="go"
          icon="play"
          isDisabled={!isReady}
          isBusy={isPreparing}
          onPress={() => play(lab)}
        >
          Play
        </Button>
      )}
      <Button
        icon="step"
        isShort
        isDisabled={!isReady || isRunning || phase === 'stopped'}
        isBusy={isPreparing}
        onPress={() => step(lab)}
      >
        Step
      </Button>
      <Button
        icon="reset"
        isShort
        isDisabled={!isReady || !isPrepared}
        isBusy={isPreparing}
        onPress={() => reset(lab)}
      >
        Reset
      </Button>
    </Group>
  );
}

/** Where a run stopped by itself, its way back is what Play would be. */
function Recover() {
  const lab = useLab();
  const checkpointStep = useRun((state) => state.failure?.checkpointStep);
  const isCrashed = useRun((state) => state.crash !== undefined);
  if (isCrashed || checkpointStep === undefined) {
    return (
      <Button kind="go" icon="reset" onPress={() => (isCrashed ? startAgain(lab) : reset(lab))}>
        Start again
      </Button>
    );
  }
  return (
    <Button kind="go" icon="left" onPress={() => rewind(lab)}>
      Back to step {checkpointStep}
    </Button>
  );
}
