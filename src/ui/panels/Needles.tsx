import { useState } from 'react';
import type { MetricName } from '@/engine/config/metrics';
import { Button } from '@/ui/components/Button';
import { Segmented } from '@/ui/components/Segmented';
import { formatFixed } from '@/ui/format/numbers';
import { useDrawn, useLab, useRun } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import type { Recorder } from '@/ui/state/recorder';
import { change, report } from '@/ui/state/transport';
import { definePanel } from './definePanel';
import { MetricTable } from './MetricTable';
import { NeedleGrid } from './NeedleGrid';
import { Caption, Empty } from './parts';

const readNeedles = ({ needles }: Recorder) => needles;

function Needles() {
  const grid = useDrawn(readNeedles, 250);
  const { needleEvery, needleTrials } = useRun((state) => state.now.probes);
  const step = useRun((state) => state.step);
  return (
    <>
      <Notes place="needles" />
      {grid ? (
        <>
          <Caption aside={<ProbeNow />}>
            <b>Found, %</b> of {grid.trials} trials a cell, {whenMeasured(grid)}
          </Caption>
          <NeedleGrid grid={grid} />
        </>
      ) : (
        <Empty
          title={
            needleEvery > 0
              ? `First probe at step ${formatFixed((Math.floor(step / needleEvery) + 1) * needleEvery, 0)}`
              : 'No probes: “Needles every” is 0'
          }
          action={<ProbeNow />}
        >
          Each cell will hold {needleTrials} texts with a hidden key, asked for at the end: by how
          long the text is, and how deep the key is hidden.
        </Empty>
      )}
      <MetricTable rows={factRows} />
    </>
  );
}

function whenMeasured(grid: NonNullable<ReturnType<typeof readNeedles>>): string {
  const first = formatFixed(grid.firstStep, 0);
  const last = formatFixed(grid.step, 0);
  const steps = first === last ? `at step ${last}` : `steps ${first} to ${last}`;
  return grid.isComplete ? steps : `${steps}, being measured`;
}

function ProbeNow() {
  const lab = useLab();
  const isPrepared = useRun((state) => state.info !== undefined && state.phase !== 'stopped');
  const [isBusy, setBusy] = useState(false);
  const probe = async () => {
    setBusy(true);
    await lab.client.probeNeedles().catch((error) => report(lab, error));
    setBusy(false);
  };
  return (
    <Button size="small" onPress={probe} isDisabled={!isPrepared} isBusy={isBusy}>
      Probe now
    </Button>
  );
}

const factRows: readonly MetricName[] = ['needle.accuracy', 'needle.accuracyBeyond'];

const keyChoices = [1, 4];

/** How many keys are hidden in one text: a live setting, so it is coral's business in the rail too. */
function KeysChoice() {
  const lab = useLab();
  const keys = useRun((state) => state.now.probes.needleKeys);
  const choices = keyChoices.includes(keys) ? keyChoices : [...keyChoices, keys];
  return (
    <Segmented
      label="Keys hidden in a text"
      isSmall
      value={String(keys)}
      onChange={(value) => change(lab, 'probes.needleKeys', Number(value))}
      options={choices.map((count) => ({
        value: String(count),
        label: count === 1 ? 'one key' : `${count} keys`,
      }))}
    />
  );
}

export const needles = definePanel({
  id: 'needles',
  title: 'Needles',
  subtitle: 'can it find a key it has read?',
  isHalf: true,
  help: [
    'A key and its value are hidden in filler, and the key is asked for at the end. A trial counts as found when every byte of the value was the likeliest.',
    'Left of the line are lengths that the model was trained on, right of it lengths that it has never seen. Several keys in one text are harder: it must find the right one.',
  ],
  Tools: KeysChoice,
  Body: Needles,
});
