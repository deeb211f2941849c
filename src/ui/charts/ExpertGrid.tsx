/**
 * @file Rows over experts: loads, domains, bias bars. All of them share one expert axis, so that an
 * expert is one straight column down the page.
 */
import { type ReactNode, useCallback } from 'react';
import { useView } from '@/ui/live/hooks';
import { classes } from '@/ui/theme/classes';
import { pinNames } from '@/ui/theme/palette';
import { ticksBetween } from './axis';
import { Canvas } from './Canvas';
import type { CellGeometry } from './cells';
import styles from './ExpertGrid.module.css';
import { type Cell, useGridCursor } from './useGridCursor';
import { useWidth } from './useSize';

export interface GridRow {
  readonly key: string;
  readonly label: string;
  readonly isChosen?: boolean;
  /** What stands at the right of the row. */
  readonly aside?: ReactNode;
}

interface ExpertGridProps {
  /** Name of the map, for those who hear it. */
  readonly label: string;
  readonly rows: readonly GridRow[];
  readonly expertCount: number;
  readonly rowHeight: number;
  /** Draws all cells; memoise it. */
  readonly draw: (context: CanvasRenderingContext2D, geometry: CellGeometry) => void;
  /** A cell in words, for the line under the map. */
  readonly describe: (cell: Cell) => string;
  readonly onChoose: (cell: Cell) => void;
  readonly isSharp?: boolean;
}

const LABEL_WIDTH = 68;
const ASIDE_WIDTH = 92;

export function ExpertGrid(props: ExpertGridProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const room = width - LABEL_WIDTH - ASIDE_WIDTH;
  const cellWidth = Math.max(1, Math.floor(room / props.expertCount));
  return (
    <div ref={ref} className={styles['grid']}>
      {width > 0 && <Body {...props} cellWidth={cellWidth} />}
    </div>
  );
}

function Body(props: ExpertGridProps & { cellWidth: number }) {
  const { rows, expertCount: columns, rowHeight, cellWidth, draw, describe } = props;
  const size = { rows: rows.length, columns, cellWidth, cellHeight: rowHeight };
  const { cell, handlers } = useGridCursor({ ...size, describe, onChoose: props.onChoose });
  const rowCount = rows.length;
  const paint = useCallback(
    (context: CanvasRenderingContext2D) =>
      draw(context, { rows: rowCount, columns, cellWidth, cellHeight: rowHeight }),
    [draw, rowCount, columns, cellWidth, rowHeight],
  );
  const width = columns * cellWidth;
  const height = rowCount * rowHeight;
  return (
    <>
      <div className={styles['rows']} style={{ height }}>
        <Labels rows={rows} rowHeight={rowHeight} />
        <div
          className={styles['map']}
          style={{ width, height }}
          role="application"
          aria-roledescription="heatmap"
          aria-label={`${props.label}. Arrow keys read cells, Enter pins an expert.`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move its cursor.
          tabIndex={0}
          {...handlers}
        >
          <Canvas width={width} height={height} draw={paint} isSharp={props.isSharp ?? false} />
          {cell && <CursorBox cell={cell} width={cellWidth} height={rowHeight} />}
        </div>
        <Asides rows={rows} rowHeight={rowHeight} />
      </div>
      <ExpertAxis expertCount={columns} cellWidth={cellWidth} />
      <p className={styles['read']}>{cell && describe(cell)}</p>
    </>
  );
}

const Labels = ({ rows, rowHeight }: Pick<ExpertGridProps, 'rows' | 'rowHeight'>) => (
  <div className={styles['labels']} style={{ width: LABEL_WIDTH }}>
    {rows.map(({ key, label, isChosen }) => (
      <span
        key={key}
        className={classes(isChosen && styles['chosen'])}
        style={{ height: rowHeight, lineHeight: `${rowHeight}px` }}
      >
        {label}
      </span>
    ))}
  </div>
);

const Asides = ({ rows, rowHeight }: Pick<ExpertGridProps, 'rows' | 'rowHeight'>) => (
  <div className={styles['asides']}>
    {rows.map(({ key, aside, isChosen }) => (
      <div
        key={key}
        className={classes(isChosen && styles['chosen'])}
        style={{ height: rowHeight }}
      >
        {aside}
      </div>
    ))}
  </div>
);

/** The box round a cell; a little larger where cells are too small to be framed. */
export function CursorBox({ cell, width, height }: { cell: Cell; width: number; height: number }) {
  return (
    <i
      className={styles['cursor']}
      style={{ left: cell.column * width, top: cell.row * height, width, height }}
    />
  );
}

function ExpertAxis({ expertCount, cellWidth }: { expertCount: number; cellWidth: number }) {
  const pins = useView((view) => view.pins);
  const ticks = ticksBetween(0, expertCount - 1, 5).filter(Number.isInteger);
  return (
    <div className={styles['axis']} style={{ marginLeft: LABEL_WIDTH }} aria-hidden="true">
      <em>expert</em>
      {ticks.map((tick) => (
        <span key={tick} style={{ left: (tick + 0.5) * cellWidth }}>
          {tick}
        </span>
      ))}
      {pins.map((expert, place) =>
        expert === undefined ? null : (
          <i
            key={expert}
            style={{
              left: expert * cellWidth,
              width: cellWidth,
              background: `var(--${pinNames[place]})`,
            }}
          />
        ),
      )}
    </div>
  );
}
