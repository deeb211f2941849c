/** @file The needle grid: depth by context length, each cell its accuracy. */
import { useCallback } from 'react';
import type { NeedleGrid as Grid } from '@/engine/train/commands';
import { Canvas } from '@/ui/charts/Canvas';
import { CursorBox } from '@/ui/charts/ExpertGrid';
import { type Cell, useGridCursor } from '@/ui/charts/useGridCursor';
import { useWidth } from '@/ui/charts/useSize';
import { formatFixed } from '@/ui/format/numbers';
import { type Palette, usePalette } from '@/ui/theme/palette';
import { cssColor, inkOn, probabilityColor } from '@/ui/theme/scales';
import styles from './NeedleGrid.module.css';

const LABEL_WIDTH = 64;
const MEAN_WIDTH = 44;
const CELL_HEIGHT = 28;
/** Narrower cells show their colour only. */
const LEAST_WITH_TEXT = 26;

export function NeedleGrid({ grid }: { grid: Grid }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const room = width - LABEL_WIDTH - MEAN_WIDTH;
  const cellWidth = Math.max(8, Math.floor(room / grid.lengths.length));
  return (
    <div ref={ref} className={styles['frame']}>
      {width > 0 && <Cells grid={grid} cellWidth={cellWidth} />}
    </div>
  );
}

function Cells({ grid, cellWidth }: { grid: Grid; cellWidth: number }) {
  const rows = grid.depths.length;
  const columns = grid.lengths.length;
  const palette = usePalette();
  const describe = (cell: Cell) => describeCell(grid, cell);
  const size = { rows, columns, cellWidth, cellHeight: CELL_HEIGHT };
  const { cell, handlers } = useGridCursor({ ...size, describe });
  const draw = useCallback(
    (context: CanvasRenderingContext2D) => drawCells(context, grid, cellWidth, palette),
    [grid, cellWidth, palette],
  );
  const width = columns * cellWidth;
  const trained = grid.lengths.filter((length) => length <= grid.trainingLength).length;
  return (
    <>
      <Border left={LABEL_WIDTH + trained * cellWidth} length={grid.trainingLength} rows={rows} />
      <div className={styles['rows']}>
        <div className={styles['labels']} style={{ width: LABEL_WIDTH }}>
          {grid.depths.map((depth, row) => (
            <span key={depth}>
              {row === 0 && 'depth '}
              {formatFixed(depth * 100, 0)} %
            </span>
          ))}
        </div>
        <div
          className={styles['map']}
          style={{ width, height: rows * CELL_HEIGHT }}
          role="application"
          aria-roledescription="heatmap"
          aria-label="Share of needles found, by depth and context length. Arrow keys read cells."
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move its cursor.
          tabIndex={0}
          {...handlers}
        >
          <Canvas width={width} height={rows * CELL_HEIGHT} draw={draw} isSharp />
          {cell && <CursorBox cell={cell} width={cellWidth} height={CELL_HEIGHT} />}
        </div>
        <div className={styles['means']}>
          {grid.depths.map((depth, row) => (
            <span key={depth}>{meanOf(grid, row)}</span>
          ))}
        </div>
      </div>
      <div className={styles['lengths']} style={{ marginLeft: LABEL_WIDTH }} aria-hidden="true">
        <em>length</em>
        {grid.lengths.map((length) => (
          <span key={length} style={{ width: cellWidth }}>
            {formatFixed(length, 0)}
          </span>
        ))}
        <b>mean</b>
      </div>
      <p className={styles['read']}>
        {cell ? describe(cell) : 'Point at a cell, or use the arrow keys, to read it.'}
      </p>
    </>
  );
}

function Border({ left, length, rows }: { left: number; length: number; rows: number }) {
  return (
    <div className={styles['border']} style={{ left, height: rows * CELL_HEIGHT + 18 }}>
      <span>trained to {formatFixed(length, 0)}</span>
      <span>never seen</span>
    </div>
  );
}

function describeCell(grid: Grid, { row, column }: Cell): string {
  const at = row * grid.lengths.length + column;
  const place = `length ${formatFixed(grid.lengths[column]!, 0)}, depth ${formatFixed(grid.depths[row]! * 100, 0)} %`;
  const accuracy = grid.accuracy[at]!;
  if (Number.isNaN(accuracy)) return `${place}: not measured yet`;
  const found = formatFixed(accuracy * grid.trials, 0);
  return `${place}: ${found} of ${grid.trials} found, log p ${formatFixed(grid.logProbability[at]!, 2)}`;
}

/** Mean of the measured cells of a row, per cent. */
function meanOf(grid: Grid, row: number): string {
  const columns = grid.lengths.length;
  const cells = [...grid.accuracy.subarray(row * columns, (row + 1) * columns)].filter(
    (accuracy) => !Number.isNaN(accuracy),
  );
  if (cells.length === 0) return '';
  return formatFixed((100 * cells.reduce((sum, cell) => sum + cell, 0)) / cells.length, 0);
}

function drawCells(
  context: CanvasRenderingContext2D,
  grid: Grid,
  cellWidth: number,
  palette: Palette,
): void {
  const columns = grid.lengths.length;
  context.font = `500 11px ${getComputedStyle(document.body).fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  grid.accuracy.forEach((accuracy, i) => {
    const x = (i % columns) * cellWidth;
    const y = Math.floor(i / columns) * CELL_HEIGHT;
    const isMeasured = !Number.isNaN(accuracy);
    const color = isMeasured ? probabilityColor(accuracy) : palette.none;
    context.fillStyle = cssColor(color);
    context.fillRect(x, y, cellWidth - 1, CELL_HEIGHT - 1);
    if (!isMeasured || cellWidth < LEAST_WITH_TEXT) return;
    context.fillStyle = inkOn(color);
    const text = formatFixed(accuracy * 100, 0);
    context.fillText(text, x + (cellWidth - 1) / 2, y + CELL_HEIGHT / 2);
  });
}
