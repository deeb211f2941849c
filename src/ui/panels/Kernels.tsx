import { Progress } from '@/ui/components/Progress';
import { formatFixed } from '@/ui/format/numbers';
import { useDrawn, useRun } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { definePanel } from './definePanel';
import { KernelFacts } from './KernelFacts';
import styles from './Kernels.module.css';
import { KernelTable } from './KernelTable';
import type { KernelSplit } from './kernelRows';
import { Caption, Columns, Empty } from './parts';

const readKernels = ({ kernels }: Recorder) => kernels;

function Kernels() {
  const split = useDrawn(readKernels, 500);
  if (!split) return <Waiting />;
  const isTimed = split.uses.every(({ ms }) => ms !== undefined);
  return (
    <Columns
      left={
        <>
          <Caption aside={stepsOf(split)}>
            <b>{isTimed ? 'Device time of a step' : 'Work of a step'}</b> by kind
          </Caption>
          {!isTimed && <Untimed />}
          <KernelTable split={split} isTimed={isTimed} />
          {isTimed && split.peaks && (
            <p className={styles['note']}>
              <span className={styles['key']}>
                <i />
              </span>
              Solid: the time that this work takes at least at the adapter’s peaks.
            </p>
          )}
        </>
      }
      right={<KernelFacts split={split} isTimed={isTimed} />}
    />
  );
}

/** Which steps the numbers are of. */
const stepsOf = ({ step, steps }: KernelSplit): string =>
  steps === 1
    ? `step ${formatFixed(step, 0)}`
    : `mean of ${steps} steps up to step ${formatFixed(step, 0)}`;

const Untimed = () => (
  <p className={styles['note']}>
    This adapter offers no timestamps, so nobody knows how long each kernel takes. What can be
    counted is its work, and the time that it takes at least at the adapter’s measured peaks.
  </p>
);

function Waiting() {
  const phase = useRun((state) => state.phase);
  if (phase === 'training') {
    return (
      <Empty title="Measuring the adapter’s peaks, then a step">
        <Progress label="Measuring kernels" share={undefined} />
      </Empty>
    );
  }
  return (
    <Empty title="A split with the next step">
      How long each kind of kernel takes, and how close it comes to what this adapter can do.
    </Empty>
  );
}

export const kernels = definePanel({
  id: 'kernels',
  title: 'Kernels',
  subtitle: 'where the time of a step goes, and how close it is to what the adapter can do',
  help: [
    'While this panel is in view, about one step in a second, and at most one in eight, is timed kernel by kernel: the same dispatches in the same order, each between two timestamps, so the run stays the same to the bit. Apart, they take a little longer than together. A row with two names is one dispatch that does the work of both.',
    'Work is what the mathematics asks for. Matrix products, experts and attention: two operations for each multiply-add, attention as if every document filled its sequence. Bytes: everything that a kernel binds, once, and once more where it adds. Norms, gates and the like are counted in bytes alone.',
    'The share of the peak is the least time, at the peak that binds, over the measured one; the peaks are a multiply-add in registers and a copy, measured here before the first split. Above 100 % a cache served what is counted as memory.',
    'Chrome rounds timestamps to a tenth of a millisecond; a short kernel reads as none or as one of them, and is right on average over its calls and steps.',
  ],
  Body: Kernels,
});
