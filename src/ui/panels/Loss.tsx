import { useCallback, useMemo } from 'react';
import { isEverSplit } from '@/engine/config/growth';
import type { MetricName } from '@/engine/config/metrics';
import type { Settings } from '@/engine/config/settings';
import { fromTop, logScale, smoothed, stepAxisEnd } from '@/ui/charts/axis';
import { Lines, rowsOf } from '@/ui/charts/Lines';
import { SpikeMarks } from '@/ui/charts/SpikeMarks';
import { frameHeight, TimeFrame } from '@/ui/charts/TimeFrame';
import { Segmented } from '@/ui/components/Segmented';
import { formatRough, formatShort } from '@/ui/format/numbers';
import { useDrawn, useLab, useRun, useView } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import type { LossUnit } from '@/ui/state/view';
import { definePanel } from './definePanel';
import { MeasuredAt, MetricTable } from './MetricTable';
import { Columns, Empty } from './parts';

const CHART_HEIGHT = 208;
/** Points of the training curve; the held-out one has fewer. */
const TRAIN_POINTS = 280;
const HELD_OUT_POINTS = 100;

const curvesByUnit: Readonly<Record<LossUnit, { train: MetricName; heldOut: MetricName }>> = {
  nats: { train: 'train.crossEntropy', heldOut: 'eval.crossEntropy' },
  'bits/byte': { train: 'train.bitsPerByte', heldOut: 'eval.bitsPerByte' },
};

const lines = [
  { key: 'raw', color: 'var(--c1)', width: 1, opacity: 0.38 },
  { key: 'train', color: 'var(--c1)', width: 1.75 },
  { key: 'heldOut', color: 'var(--ink)', width: 1, hasDots: true },
] as const;

/** Everything that the chart draws, computed when it is its turn. */
function lossRows({ series, spikes }: Recorder, unit: LossUnit) {
  const { train, heldOut } = curvesByUnit[unit];
  const raw = series.points(train, TRAIN_POINTS);
  const means = smoothed(raw.map((point) => point.value));
  const trend = raw.map((point, i) => ({ step: point.step, value: means[i]! }));
  const held = series.points(heldOut, HELD_OUT_POINTS);
  return {
    end: stepAxisEnd(series.lastStep),
    scale: logScale([...raw, ...held].map((point) => point.value)),
    rows: rowsOf({ raw, train: trend, heldOut: held }),
    lastTrain: trend.at(-1)?.value,
    lastHeldOut: held.at(-1)?.value,
    spikes,
  };
}

const hasLoss = ({ series }: Recorder) => series.latest('train.crossEntropy') !== undefined;

function LossOrNothing() {
  const isMeasured = useDrawn(hasLoss, 250);
  if (isMeasured) return <LossChart />;
  return (
    <Empty title="A curve from the first step on" height={frameHeight(CHART_HEIGHT)}>
      One line for the batch that is being learned, one for text that is never learned, over steps.
    </Empty>
  );
}

function LossChart() {
  const { series } = useLab().recorder;
  const unit = useView((view) => view.lossUnit);
  const compute = useCallback((recorder: Recorder) => lossRows(recorder, unit), [unit]);
  const drawn = useDrawn(compute, 250);
  const { end, scale, rows } = drawn;
  const label = (name: string, color: string, value: number | undefined) =>
    value === undefined ? [] : [{ text: name, color, top: fromTop(scale, value) }];
  const labelsAt = (step: number) => {
    const { train, heldOut } = curvesByUnit[unit];
    const trained = series.nearest(train, step)?.value;
    const held = series.nearest(heldOut, step)?.value;
    return [
      ...label(formatRough(trained ?? 0), 'var(--c1)', trained),
      ...label(formatRough(held ?? 0), 'var(--ink)', held),
    ];
  };
  return (
    <TimeFrame
      label={`Loss over steps, ${unit}`}
      height={CHART_HEIGHT}
      end={end}
      ticks={scale.ticks.map((tick) => ({ text: formatShort(tick), top: fromTop(scale, tick) }))}
      endLabels={[
        ...label('held out', 'var(--ink)', drawn.lastHeldOut),
        ...label('train', 'var(--c1)', drawn.lastTrain),
      ]}
      labelsAt={labelsAt}
      hasMarkerNames
    >
      {(width, height) => (
        <>
          <Lines width={width} height={height} end={end} scale={scale} rows={rows} lines={lines} />
          <SpikeMarks steps={drawn.spikes} end={end} width={width} />
        </>
      )}
    </TimeFrame>
  );
}

/** Parts of the loss that have a weight, and rates that move something; the batch where it is of several. */
function factsOf({ loss, optimizer, schedule }: Settings): MetricName[] {
  const isSplit = isEverSplit(schedule);
  const rows: readonly (readonly [MetricName, boolean])[] = [
    ['train.bitsPerByte', true],
    ['eval.bitsPerByte', true],
    ['train.crossEntropy', true],
    ['train.zLoss', loss.zWeight > 0],
    ['train.sequenceBalance', loss.sequenceBalance > 0],
    ['train.switchBalance', loss.switchBalance > 0],
    ['train.microBatches', isSplit],
    ['train.batchHet', isSplit],
    ['train.gradientNorm', true],
    ['train.muonLearningRate', optimizer.hidden === 'muon'],
    ['train.adamwLearningRate', true],
  ];
  return rows.flatMap(([metric, isShown]) => (isShown ? [metric] : []));
}

function Facts() {
  const now = useRun((state) => state.now);
  const names = useMemo(() => factsOf(now), [now]);
  return <MetricTable rows={names} extras={{ 'eval.bitsPerByte': <HeldOutStep /> }} />;
}

/** Held-out text is measured now and then: when it was. */
const HeldOutStep = () => <MeasuredAt metric="eval.bitsPerByte" />;

function UnitChoice() {
  const { view } = useLab();
  const unit = useView((state) => state.lossUnit);
  return (
    <Segmented
      label="Unit of the loss chart"
      isSmall
      value={unit}
      onChange={(lossUnit) => view.setState({ lossUnit })}
      options={[
        { value: 'nats', label: 'nats' },
        { value: 'bits/byte', label: 'bits/byte' },
      ]}
    />
  );
}

export const loss = definePanel({
  id: 'loss',
  title: 'Loss',
  subtitle: 'how well the next byte is guessed',
  help: [
    'Cross-entropy of the next byte, on the batch that is being learned and on text that is never learned. 8 bits per byte is a blind guess; lower is better.',
    'The thin line is every step, the thick one a running mean. Both axes keep their meaning while the run grows; the vertical one is logarithmic.',
    'The total loss in the bar above adds z-loss and balance losses, which are small. Triangles at the top are spikes: steps whose loss stood far above those before.',
  ],
  Tools: UnitChoice,
  Body: () => <Columns left={<LossOrNothing />} right={<Facts />} />,
});
