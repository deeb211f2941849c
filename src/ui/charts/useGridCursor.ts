/** @file A cursor on a grid of cells: by pointer or by arrow keys, read out in words. */
import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import { useLab } from '@/ui/live/hooks';

export interface Cell {
  readonly row: number;
  readonly column: number;
}

interface GridCursorOptions {
  readonly rows: number;
  readonly columns: number;
  /** CSS pixels of a cell. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** The cell in words. */
  readonly describe: (cell: Cell) => string;
  /** Enter, or a click. */
  readonly onChoose?: (cell: Cell) => void;
}

/** The cell under the cursor and the handlers that move it. */
export function useGridCursor(options: GridCursorOptions) {
  const { rows, columns } = options;
  const [held, setCell] = useState<Cell>();
  const { announcer } = useLab();
  const cell = held && held.row < rows && held.column < columns ? held : undefined;
  const cellAt = (event: PointerEvent): Cell => {
    const box = event.currentTarget.getBoundingClientRect();
    return clamped(
      {
        row: Math.floor((event.clientY - box.top) / options.cellHeight),
        column: Math.floor((event.clientX - box.left) / options.cellWidth),
      },
      rows,
      columns,
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = cell ?? { row: 0, column: 0 };
    if (event.key === 'Enter' || event.key === ' ') options.onChoose?.(at);
    const moved = event.key === 'Enter' || event.key === ' ' ? at : afterKey(event, at, options);
    if (!moved) return;
    event.preventDefault();
    const next = clamped(moved, rows, columns);
    setCell(next);
    announcer.say(options.describe(next));
  };
  return {
    cell,
    handlers: {
      onPointerMove: (event: PointerEvent) => setCell(cellAt(event)),
      onPointerDown: (event: PointerEvent) => {
        setCell(cellAt(event));
        options.onChoose?.(cellAt(event));
      },
      onKeyDown,
    },
  };
}

function afterKey(
  { key, ctrlKey }: KeyboardEvent,
  { row, column }: Cell,
  { rows, columns }: GridCursorOptions,
): Cell | undefined {
  switch (key) {
    case 'ArrowLeft':
      return { row, column: column - 1 };
    case 'ArrowRight':
      return { row, column: column + 1 };
    case 'ArrowUp':
      return { row: row - 1, column };
    case 'ArrowDown':
      return { row: row + 1, column };
    case 'Home':
      return ctrlKey ? { row: 0, column: 0 } : { row, column: 0 };
    case 'End':
      return ctrlKey ? { row: rows - 1, column: columns - 1 } : { row, column: columns - 1 };
    default:
      return undefined;
  }
}

const clamped = ({ row, column }: Cell, rows: number, columns: number): Cell => ({
  row: Math.min(rows - 1, Math.max(0, row)),
  column: Math.min(columns - 1, Math.max(0, column)),
});
