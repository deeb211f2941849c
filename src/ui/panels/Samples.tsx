import type { Sample } from '@/engine/train/commands';
import { formatFixed, formatShort } from '@/ui/format/numbers';
import { useDrawn, useRun } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import type { Recorder } from '@/ui/state/recorder';
import { definePanel } from './definePanel';
import { FreePrompt } from './FreePrompt';
import { Columns, Empty } from './parts';
import styles from './Samples.module.css';
import { SampleText } from './SampleText';

const readSamples = ({ samples }: Recorder) => samples;

/** Samples of one step and another may be equal words; their step and place tell them apart. */
const keyOf = (sample: Sample) => `${sample.step} ${sample.seed} ${sample.elapsedMs}`;

function SampleList() {
  const samples = useDrawn(readSamples, 300);
  const { sampleEvery } = useRun((state) => state.now.probes);
  const step = useRun((state) => state.step);
  if (samples.length === 0) {
    return (
      <Empty
        title={
          sampleEvery > 0
            ? `First sample at step ${formatFixed((Math.floor(step / sampleEvery) + 1) * sampleEvery, 0)}`
            : 'No samples: “Samples every” is 0'
        }
      >
        What the model writes after the same words, again and again: first noise, then letters, then
        words.
      </Empty>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard.
    <ol className={styles['samples']} tabIndex={0} aria-label="Generated samples, newest first">
      {samples.map((sample) => (
        <li key={keyOf(sample)}>
          <span className={styles['at']}>step {formatFixed(sample.step, 0)}</span>
          <SampleText sample={sample} />
        </li>
      ))}
    </ol>
  );
}

function Rhythm() {
  const { sampleEvery, sampleTemperature } = useRun((state) => state.now.probes);
  if (sampleEvery === 0) return null;
  return (
    <span className={styles['rhythm']}>
      every {formatFixed(sampleEvery, 0)} steps, temperature {formatShort(sampleTemperature)}
    </span>
  );
}

export const samples = definePanel({
  id: 'samples',
  title: 'Samples',
  subtitle: 'what it writes by itself',
  help: [
    'The model reads the grey words and writes on, one byte after the other. Bytes that are no letters show as signs, so that nothing is hidden.',
    'At temperature 0 it always takes the likeliest byte; higher is freer. Your own prompt can be tried at any time; training goes on meanwhile.',
  ],
  Tools: Rhythm,
  Body: () => (
    <>
      <Notes place="samples" />
      <Columns left={<SampleList />} right={<FreePrompt />} />
    </>
  ),
});
