/** @file The right half of the router-bias panel: bias, momentum and last update of each expert. */
import { useCallback } from 'react';
import type { Events } from '@/engine/train/commands';
import type { CellGeometry } from '@/ui/charts/cells';
import { ExpertGrid } from '@/ui/charts/ExpertGrid';
import type { Cell } from '@/ui/charts/useGridCursor';
import { formatFixed, formatRough } from '@/ui/format/numbers';
import { useDrawn, useLab, useView } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { togglePin } from '@/ui/state/view';
import { type Palette, pinNames, usePalette } from '@/ui/theme/palette';
import { cssColor } from '@/ui/theme/scales';
import styles from './BiasBars.module.css';
import { Caption, useExpertLayer } from './parts';

const ROW_HEIGHT = 56;

const kinds = ['bias', 'momentum', 'update'] as const;

const readBias = ({ bias }: Recorder) => bias;

/** The layer's part of one of the arrays of a bias event. */
const rowOf = (event: Events['bias'], kind: (typeof kinds)[number], row: number, count: number) =>
  event[kind].subarray(row * count, (row + 1) * count);

export function BiasBars() {
  const { view } = useLab();
  const { layer, row: layerRow, expertCount } = useExpertLayer();
  const event = useDrawn(readBias, 200);
  const palette = usePalette();
  const pins = useView((state) => state.pins);
  const draw = useCallback(
    (context: CanvasRenderingContext2D, geometry: CellGeometry) => {
      if (!event || layerRow < 0) return;
      kinds.forEach((kind, row) => {
        const values = rowOf(event, kind, layerRow, geometry.columns);
        drawBars(context, values, { row, geometry, pins, palette });
      });
    },
    [event, layerRow, palette, pins],
  );
  const describe = ({ row, column }: Cell) => {
    const value = event?.[kinds[row]!][layerRow * expertCount + column];
    return value === undefined
      ? 'Nothing was read yet.'
      : `layer ${layer}, expert ${column}: ${kinds[row]} ${formatRough(value)}`;
  };
  return (
    <>
      <Caption aside={<span className={styles['aside']}>largest</span>}>
        <b>Bias, momentum and last update</b> at step {formatFixed(event?.step ?? 0, 0)}
      </Caption>
      <ExpertGrid
        label={`Bias, momentum and last update of the experts of layer ${layer}`}
        expertCount={expertCount}
        rowHeight={ROW_HEIGHT}
        isSharp
        rows={kinds.map((kind) => ({
          key: kind,
          label: kind,
          aside: event && (
            <Largest values={rowOf(event, kind, Math.max(0, layerRow), expertCount)} />
          ),
        }))}
        draw={draw}
        describe={describe}
        onChoose={({ column }) => togglePin(view, column)}
      />
    </>
  );
}

/** Index of the value of the largest size. */
function largestAt(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (Math.abs(values[i]!) > Math.abs(values[best]!)) best = i;
  }
  return best;
}

function Largest({ values }: { values: Float32Array }) {
  const expert = largestAt(values);
  const value = values[expert];
  if (!value) return <span>all 0</span>;
  return (
    <span className={styles['largest']}>
      expert {expert}
      <br />
      {formatRough(value)}
    </span>
  );
}

/** Bars up and down from a middle line, scaled to the row's largest. */
function drawBars(
  context: CanvasRenderingContext2D,
  values: Float32Array,
  at: {
    row: number;
    geometry: CellGeometry;
    pins: readonly (number | undefined)[];
    palette: Palette;
  },
): void {
  const { cellWidth, cellHeight, columns } = at.geometry;
  const middle = Math.round((at.row + 0.5) * cellHeight);
  const reach = cellHeight / 2 - 4;
  const largest = Math.abs(values[largestAt(values)] ?? 0);
  context.fillStyle = cssColor(at.palette['line-2']);
  context.fillRect(0, middle, columns * cellWidth, 1);
  const width = cellWidth >= 4 ? cellWidth - 1 : cellWidth;
  for (let expert = 0; expert < columns; expert++) {
    const size = largest > 0 ? ((values[expert] ?? 0) / largest) * reach : 0;
    const place = at.pins.indexOf(expert);
    context.fillStyle = cssColor(at.palette[pinNames[place] ?? 'c6']);
    context.fillRect(expert * cellWidth, size > 0 ? middle - size : middle, width, Math.abs(size));
  }
}
