/** @file The left half of the expert-load panel: a layer's experts, and MaxVio, over steps. */
import { useCallback, useState } from 'react';
import { fromTop, stepAxisEnd, ticksBetween } from '@/ui/charts/axis';
import { Canvas } from '@/ui/charts/Canvas';
import { putPixels } from '@/ui/charts/cells';
import { Lines } from '@/ui/charts/Lines';
import { TimeFrame } from '@/ui/charts/TimeFrame';
import { formatFixed, formatRough } from '@/ui/format/numbers';
import { useDrawn, useLab, useRun, useView } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { pinNames, usePalette } from '@/ui/theme/palette';
import { fairShare, historyPixels, shareWords, violationCurves } from './expertLoadData';
import styles from './LoadHistory.module.css';
import { Caption, useExpertLayer } from './parts';

const MAP_HEIGHT = 208;
const LINES_HEIGHT = 92;

/** The history is drawn again when this changes. */
const readHistory = ({ loads, series }: Recorder) => ({
  loads,
  end: stepAxisEnd(series.lastStep),
});

export function LoadHistory() {
  const { layer, row, expertCount } = useExpertLayer();
  const palette = usePalette();
  const pins = useView((view) => view.pins);
  const drawn = useDrawn(readHistory, 250);
  const [pointed, setPointed] = useState<{ x: number; y: number }>();
  const rowHeight = MAP_HEIGHT / Math.max(1, expertCount);
  const labels = pins.flatMap((expert, place) =>
    expert === undefined
      ? []
      : [
          {
            text: `expert ${expert}`,
            color: `var(--${pinNames[place]})`,
            top: (expert + 0.5) / expertCount,
          },
        ],
  );
  const ticks = ticksBetween(0, Math.max(1, expertCount - 1), 4).filter(Number.isInteger);
  return (
    <>
      <Caption aside={<code>layers.{layer}.mlp.router, tokens</code>}>
        <b>Layer {layer}</b>, every expert, every step
      </Caption>
      <TimeFrame
        label={`Tokens of the experts of layer ${layer} over steps`}
        height={MAP_HEIGHT}
        end={drawn.end}
        hasGrid={false}
        ticks={ticks.map((tick) => ({
          text: String(tick),
          top: ((tick + 0.5) * rowHeight) / MAP_HEIGHT,
        }))}
        endLabels={labels}
        labelsAt={() => labels}
        onPoint={setPointed}
      >
        {(width, height) => (
          <HistoryMap
            drawn={drawn}
            size={{ layerRow: row, expertCount, end: drawn.end, width }}
            height={height}
            palette={palette}
          />
        )}
      </TimeFrame>
      <HistoryReadout pointed={pointed} layerRow={row} expertCount={expertCount} />
    </>
  );
}

function HistoryMap(props: {
  drawn: ReturnType<typeof readHistory>;
  size: Parameters<typeof historyPixels>[1];
  height: number;
  palette: ReturnType<typeof usePalette>;
}) {
  const { drawn, height, palette } = props;
  const { layerRow, expertCount, end, width } = props.size;
  const draw = useCallback(
    (context: CanvasRenderingContext2D) => {
      if (expertCount === 0 || layerRow < 0) return;
      const size = { layerRow, expertCount, end, width };
      putPixels(context, historyPixels(drawn.loads, size, palette), width);
    },
    [drawn, layerRow, expertCount, end, width, palette],
  );
  // One pixel an expert, stretched by the page: nearest neighbours, no smoothing.
  return (
    <Canvas width={width} height={Math.max(1, expertCount)} shownHeight={height} draw={draw} />
  );
}

/** One cell of the history in words, while the pointer is on it. */
function HistoryReadout(props: {
  pointed: { x: number; y: number } | undefined;
  layerRow: number;
  expertCount: number;
}) {
  const { crosshair, recorder } = useLab();
  const { pointed, layerRow, expertCount } = props;
  const step = crosshair.step;
  if (!pointed || step === undefined || expertCount === 0) {
    return <p className={styles['read']}>Steps while this panel is out of view are left blank.</p>;
  }
  const expert = Math.min(expertCount - 1, Math.max(0, Math.floor(pointed.y * expertCount)));
  const column = recorder.loads.columnOf(step);
  const tokensOf = (index: number) => recorder.loads.at(column, layerRow * expertCount + index);
  const tokens = tokensOf(expert);
  const share = shareWords(tokens, fairShare(expertCount, tokensOf));
  return (
    <p className={styles['read']}>
      <b>
        step {formatFixed(step, 0)}, expert {expert}
      </b>
      {recorder.loads.has(column)
        ? `: ${[`${formatFixed(tokens, 0)} tokens`, share].filter(Boolean).join(', ')}`
        : ': not read, this panel was out of view'}
    </p>
  );
}

const lines = [
  { key: 'worst', color: 'var(--ink-3)', width: 1 },
  { key: 'mean', color: 'var(--ink-3)', width: 1, dash: '3 3' },
  { key: 'layer', color: 'var(--ink)', width: 1.75 },
] as const;

export function ViolationLines() {
  const { layer, row } = useExpertLayer();
  const { expertCount, expertsPerToken } = useRun((state) => state.now.model);
  const { violations, series } = useLab().recorder;
  const limit = expertCount / expertsPerToken - 1;
  const compute = useCallback(
    (recorder: Recorder) => violationCurves(recorder, row, limit),
    [row, limit],
  );
  const { end, scale, rows, last } = useDrawn(compute, 250);
  const label = (value: number, words = '') => ({
    text: words + formatRough(value),
    color: 'var(--ink)',
    top: fromTop(scale, value),
  });
  const labelsAt = (step: number) => {
    const column = violations.columnOf(step);
    if (row >= 0 && violations.has(column)) return [label(violations.at(column, row))];
    const worst = series.nearest('router.maxVio', step);
    return worst ? [label(worst.value, 'worst ')] : [];
  };
  return (
    <>
      <Caption aside={<ViolationKeys layer={layer} />}>
        <b>MaxVio</b>, the busiest expert above its share; at most {formatRough(limit)}
      </Caption>
      <TimeFrame
        label="MaxVio over steps"
        height={LINES_HEIGHT}
        end={end}
        ticks={scale.ticks.map((tick) => ({ text: String(tick), top: fromTop(scale, tick) }))}
        endLabels={last === undefined ? [] : [label(last)]}
        labelsAt={labelsAt}
      >
        {(width, height) => (
          <Lines width={width} height={height} end={end} scale={scale} rows={rows} lines={lines} />
        )}
      </TimeFrame>
    </>
  );
}

const ViolationKeys = ({ layer }: { layer: number }) => (
  <span className={styles['keys']}>
    <i className={styles['thick']} />
    layer {layer}
    <i />
    worst
    <i className={styles['dashed']} />
    mean
  </span>
);
