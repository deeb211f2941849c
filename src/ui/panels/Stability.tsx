import { isEverSplit } from '@/engine/config/growth';
import type { MetricName } from '@/engine/config/metrics';
import { useRun } from '@/ui/live/hooks';
import { definePanel } from './definePanel';
import { Interventions } from './Interventions';
import { MetricTable } from './MetricTable';
import { Caption, Columns } from './parts';

/** Indicators, each with what it tells. */
const notes = {
  'train.maxLogit': 'Grows on where nothing holds the logits.',
  'train.meanLogit': 'A common shift, which only z-loss sees.',
  'train.zLoss': 'What it pulls with; 0 while its weight is 0.',
  'router.maxVio': 'The busiest expert over its share; 0 is even.',
  'train.batchHet': 'How far the hardest micro-batch stands out.',
  'train.lossVariance': 'How much the loss jumps from step to step.',
  'train.gradientNorm': 'How far one step would go, before clipping.',
  'train.gradientKurtosis': 'How large its outliers are; 3 is normal.',
  'train.spikes': 'Far above the 50 before; marked in Loss.',
} as const satisfies Partial<Record<MetricName, string>>;

const withoutBatchHet = {
  ...notes,
  'train.batchHet': 'Needs two micro-batches: see Batch growth.',
};

const indicators = Object.keys(notes) as (keyof typeof notes)[];

function Stability() {
  const isStarted = useRun((state) => state.step > 0 || state.phase === 'training');
  const isSplit = useRun((state) => isEverSplit(state.now.schedule));
  return (
    <Columns
      left={<Interventions />}
      right={
        <>
          <Caption aside={!isStarted && 'from the first step on'}>
            <b>Is it stable?</b>
          </Caption>
          <MetricTable rows={indicators} notes={isSplit ? notes : withoutBatchHet} />
        </>
      }
    />
  );
}

export const stability = definePanel({
  id: 'stability',
  title: 'Stability',
  subtitle: 'the six changes that ended the spikes of Trinity Large',
  help: [
    'Trinity Large became unstable; its authors made six changes at once, and it stayed stable. Which of them did it, they could not try. Here each can be made alone.',
    'Three of them act on the run as it is, from the next step on, and leave a mark in the charts. The others change what the model computes or reads, so they wait for a new run.',
    'A small model may show less than the large one did: an indicator that does not move is a result too.',
  ],
  Body: Stability,
});
