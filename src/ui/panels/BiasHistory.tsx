/** @file The left half of the router-bias panel: every expert's bias over steps. */
import { useCallback } from 'react';
import { fromTop, stepAxisEnd, symmetricScale } from '@/ui/charts/axis';
import { Canvas } from '@/ui/charts/Canvas';
import { Lines, rowsOf } from '@/ui/charts/Lines';
import { frameHeight, TimeFrame } from '@/ui/charts/TimeFrame';
import { formatRough, formatShort } from '@/ui/format/numbers';
import { useDrawn, useLab, useView } from '@/ui/live/hooks';
import type { History } from '@/ui/state/history';
import type { Recorder } from '@/ui/state/recorder';
import { pinNames, usePalette } from '@/ui/theme/palette';
import { cssColor } from '@/ui/theme/scales';
import { historyPoints } from './expertLoadData';
import { Caption, useExpertLayer } from './parts';

const HEIGHT = 196;
/** Of the whole, with its caption; pixels. */
export const BIAS_HISTORY_HEIGHT = 24 + frameHeight(HEIGHT);
const PIN_POINTS = 90;

interface Place {
  readonly layerRow: number;
  readonly expertCount: number;
}

/** Largest size of any bias of the layer, over the whole history. */
function largestBias(biases: History, { layerRow, expertCount }: Place): number {
  let largest = 0;
  for (let column = 0; column < biases.columnCount; column++) {
    for (let expert = 0; expert < expertCount; expert++) {
      const value = Math.abs(biases.at(column, layerRow * expertCount + expert));
      if (value > largest) largest = value;
    }
  }
  return largest;
}

function biasCurves(
  { biases, series }: Recorder,
  place: Place,
  pins: readonly (number | undefined)[],
) {
  const rowOf = (expert: number) => place.layerRow * place.expertCount + expert;
  const curves = pins.flatMap((expert) =>
    expert === undefined
      ? []
      : [[`expert${expert}`, historyPoints(biases, rowOf(expert), PIN_POINTS)] as const],
  );
  return {
    biases,
    end: stepAxisEnd(series.lastStep),
    scale: symmetricScale(largestBias(biases, place)),
    rows: rowsOf(Object.fromEntries(curves)),
  };
}

export function BiasHistory() {
  const { layer, row: layerRow, expertCount } = useExpertLayer();
  const { biases } = useLab().recorder;
  const pins = useView((view) => view.pins);
  const compute = useCallback(
    (recorder: Recorder) => biasCurves(recorder, { layerRow, expertCount }, pins),
    [layerRow, expertCount, pins],
  );
  const drawn = useDrawn(compute, 300);
  const labelsAt = (step: number) => {
    const column = biases.columnOf(
      Math.min(step, Math.max(0, biases.columnCount * biases.stride - 1)),
    );
    if (!biases.has(column)) return [];
    return pins.flatMap((expert, place) => {
      if (expert === undefined) return [];
      const value = biases.at(column, layerRow * expertCount + expert);
      return [
        {
          text: `${expert}: ${formatRough(value)}`,
          color: `var(--${pinNames[place]})`,
          top: fromTop(drawn.scale, value),
        },
      ];
    });
  };
  return (
    <>
      <Caption aside={<code>layers.{layer}.mlp.expert_bias</code>}>
        <b>Bias</b> of all {expertCount} experts
        {pins.some((pin) => pin !== undefined)
          ? '; pinned ones in colour'
          : '; pin one to follow it'}
      </Caption>
      <TimeFrame
        label={`Router bias of layer ${layer} over steps`}
        height={HEIGHT}
        end={drawn.end}
        ticks={drawn.scale.ticks.map((tick) => ({
          text: formatShort(tick),
          top: fromTop(drawn.scale, tick),
        }))}
        endLabels={labelsAt(Number.MAX_SAFE_INTEGER)}
        labelsAt={labelsAt}
      >
        {(width, height) => (
          <BiasPlot
            drawn={drawn}
            place={{ layerRow, expertCount }}
            pins={pins}
            size={{ width, height }}
          />
        )}
      </TimeFrame>
    </>
  );
}

/** Every expert grey on a canvas, since hundreds of lines are too many for SVG; pinned ones above. */
function BiasPlot(props: {
  drawn: ReturnType<typeof biasCurves>;
  place: Place;
  pins: readonly (number | undefined)[];
  size: { width: number; height: number };
}) {
  const { drawn, pins } = props;
  const { layerRow, expertCount } = props.place;
  const { width, height } = props.size;
  const palette = usePalette();
  const draw = useCallback(
    (context: CanvasRenderingContext2D) => {
      context.strokeStyle = cssColor(palette['ink-3']);
      context.globalAlpha = 0.55;
      for (let expert = 0; expert < expertCount; expert++) {
        strokeRow(context, drawn, layerRow * expertCount + expert, { width, height });
      }
      context.globalAlpha = 1;
    },
    [drawn, layerRow, expertCount, width, height, palette],
  );
  return (
    <>
      <Canvas width={width} height={height} draw={draw} isSharp />
      <Lines
        width={width}
        height={height}
        end={drawn.end}
        scale={drawn.scale}
        rows={drawn.rows}
        lines={pins.flatMap((expert, place) =>
          expert === undefined
            ? []
            : [{ key: `expert${expert}`, color: `var(--${pinNames[place]})`, width: 1.75 }],
        )}
      />
    </>
  );
}

/** One row of the history as a line; it breaks where nobody watched. */
function strokeRow(
  context: CanvasRenderingContext2D,
  { biases, end, scale }: ReturnType<typeof biasCurves>,
  row: number,
  { width, height }: { width: number; height: number },
): void {
  const stride = Math.max(1, Math.ceil(biases.columnCount / width));
  let isDown = false;
  context.beginPath();
  for (let column = 0; column < biases.columnCount; column += stride) {
    if (!biases.has(column)) {
      isDown = false;
      continue;
    }
    const x = ((column * biases.stride) / end) * width;
    const y = fromTop(scale, biases.at(column, row)) * height;
    if (isDown) context.lineTo(x, y);
    else context.moveTo(x, y);
    isDown = true;
  }
  context.stroke();
}
