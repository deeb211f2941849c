/** @file Text for a terminal: tables with aligned columns, and numbers with three digits that count. */

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Words stand left, numbers right. */
  readonly isText?: boolean;
}

/** Lines of a table, the head first; columns are two spaces apart. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  return cells
    .map((line) =>
      line
        .map((text, i) =>
          columns[i]!.isText ? text.padEnd(widths[i]!) : text.padStart(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Three digits that count and no exponent: `0.0123`, `4.56`, `789`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - digits)));
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const GIGA = 1e9;

/** `3.21` of a rate a second, in units of 10⁹. */
export const giga = (rate: number): string => short(rate / GIGA);
