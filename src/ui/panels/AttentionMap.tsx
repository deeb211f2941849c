/** @file The measured map of one head, with a cursor that reads a query, a key and its weight. */
import { useCallback, useContext } from 'react';
import type { AttentionView } from '@/engine/train/commands';
import { ticksBetween } from '@/ui/charts/axis';
import { Canvas } from '@/ui/charts/Canvas';
import { putPixels } from '@/ui/charts/cells';
import { documentStarts, isVisible, type MaskRule } from '@/ui/charts/mask';
import { type Cell, useGridCursor } from '@/ui/charts/useGridCursor';
import { useWidth } from '@/ui/charts/useSize';
import { formatRough } from '@/ui/format/numbers';
import { visibleByte } from '@/ui/format/text';
import { EnlargedContext } from '@/ui/live/hooks';
import { usePalette } from '@/ui/theme/palette';
import styles from './AttentionMap.module.css';
import { attentionPixels } from './attentionPixels';

/** Largest side of the map, CSS pixels. */
const MAX_SIDE = 384;
const MAX_SIDE_ENLARGED = 768;
const AXIS = 32;
/** Share of the room that a map of whole pixels must fill. */
const LEAST_FILLED = 0.88;

export const ruleOf = (view: AttentionView): MaskRule => ({
  window: view.window,
  documents: view.isMaskedByDocument ? view.documents : undefined,
});

export function AttentionMap({ view }: { view: AttentionView }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const largest = useContext(EnlargedContext) ? MAX_SIDE_ENLARGED : MAX_SIDE;
  const room = Math.min(largest, width - AXIS);
  // Whole pixels a token, unless that would leave much of the room empty.
  const whole = Math.floor(room / view.size) * view.size;
  const side = whole >= room * LEAST_FILLED ? whole : room;
  return (
    <div ref={ref} className={styles['frame']}>
      {side > 0 && <SquareMap view={view} side={side} />}
    </div>
  );
}

function SquareMap({ view, side }: { view: AttentionView; side: number }) {
  const { size, weights } = view;
  const palette = usePalette();
  const describe = ({ row, column }: Cell) => describeCell(view, row, column);
  const cellSize = side / size;
  const { cell, handlers } = useGridCursor({
    rows: size,
    columns: size,
    cellWidth: cellSize,
    cellHeight: cellSize,
    describe,
  });
  const draw = useCallback(
    (context: CanvasRenderingContext2D) =>
      putPixels(context, attentionPixels(weights, size, ruleOf(view), palette.none), size),
    [weights, size, view, palette],
  );
  return (
    <>
      <div className={styles['square']} style={{ width: side, height: side, marginLeft: AXIS }}>
        <div
          className={styles['map']}
          role="application"
          aria-roledescription="heatmap"
          aria-label={`Attention of layer ${view.layer}, head ${view.head}. Arrow keys read weights.`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move its cursor.
          tabIndex={0}
          {...handlers}
        >
          <div
            className={styles['pixels']}
            style={{ scale: String(cellSize), imageRendering: cellSize < 1 ? 'auto' : 'pixelated' }}
          >
            <Canvas width={size} height={size} draw={draw} />
          </div>
          {documentStarts(view.documents).map((start) => (
            <Border key={start} at={start * cellSize} />
          ))}
          {cell && <Cross cell={cell} cellSize={cellSize} />}
        </div>
        <Axes size={size} cellSize={cellSize} />
      </div>
      <p className={styles['read']}>
        {cell ? describe(cell) : 'Point at the map, or use the arrow keys, to read a weight.'}
      </p>
    </>
  );
}

/** `query 41 “h” puts 0.38 on key 12 “w”`. */
function describeCell(view: AttentionView, query: number, key: number): string {
  const from = `query ${query} ${visibleByte(view.tokens[query]!)}`;
  const to = `key ${key} ${visibleByte(view.tokens[key]!)}`;
  if (key > query) return `${from} comes before ${to} and cannot see it`;
  if (!isVisible(ruleOf(view), query, key))
    return `${from} cannot see ${to}: ${whyHidden(view, query, key)}`;
  return `${from} puts ${formatRough(view.weights[query * view.size + key]!)} on ${to}`;
}

const whyHidden = (view: AttentionView, query: number, key: number): string =>
  view.isMaskedByDocument && view.documents[query] !== view.documents[key]
    ? 'another document'
    : `outside its window of ${view.window}`;

const Border = ({ at }: { at: number }) => (
  <>
    <i className={styles['across']} style={{ top: at }} />
    <i className={styles['down']} style={{ left: at }} />
  </>
);

/** Smallest box that can be seen, CSS pixels. */
const LEAST_BOX = 7;

function Cross({ cell, cellSize }: { cell: Cell; cellSize: number }) {
  const box = Math.max(LEAST_BOX, cellSize);
  const middle = { x: (cell.column + 0.5) * cellSize, y: (cell.row + 0.5) * cellSize };
  return (
    <>
      <i className={styles['guide']} style={{ top: middle.y, width: middle.x }} />
      <i
        className={styles['cursor']}
        style={{ left: middle.x - box / 2, top: middle.y - box / 2, width: box, height: box }}
      />
    </>
  );
}

function Axes({ size, cellSize }: { size: number; cellSize: number }) {
  const ticks = ticksBetween(0, size, 4).filter((tick) => Number.isInteger(tick) && tick < size);
  return (
    <div aria-hidden="true">
      {ticks.map((tick) => (
        <span key={tick} className={styles['query']} style={{ top: (tick + 0.5) * cellSize }}>
          {tick}
        </span>
      ))}
      {ticks.map((tick) => (
        <span key={tick} className={styles['key']} style={{ left: (tick + 0.5) * cellSize }}>
          {tick}
        </span>
      ))}
      <span className={styles['key']} style={{ left: size * cellSize - 10 }}>
        key
      </span>
    </div>
  );
}
