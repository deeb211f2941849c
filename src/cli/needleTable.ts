/** @file A needle grid as a table of text: depths down, context lengths across. */
import type { NeedleGrid } from '@/engine/index';

const CELL = 8;

/** Per cent of trials in which the value was found; `*` marks lengths within the training length. */
export function needleTable(grid: NeedleGrid): string {
  const { keys, trials, lengths, depths, accuracy, trainingLength } = grid;
  const percent = (share: number) => (100 * share).toFixed(1).padStart(CELL);
  const row = (head: string, cells: readonly string[]) => `${head.padEnd(8)}${cells.join('')}`;
  const cellsAt = (column: number) =>
    depths.map((_, depth) => accuracy[depth * lengths.length + column]!);
  const lines = [
    `Needles after ${stepsOf(grid)}: ${keys} ${keys === 1 ? 'key' : 'keys'}, ${trials} trials a cell, per cent found.`,
    row(
      'depth',
      lengths.map((n) => `${n}${n <= trainingLength ? '*' : ''}`.padStart(CELL)),
    ),
    ...depths.map((depth, at) =>
      row(
        depth.toFixed(2),
        lengths.map((_, column) => percent(accuracy[at * lengths.length + column]!)),
      ),
    ),
    row(
      'mean',
      lengths.map((_, column) => percent(mean(cellsAt(column)))),
    ),
    summary(grid, cellsAt),
  ];
  return `${lines.join('\n')}\n`;
}

/** The two means over cells; a grid may have nothing beyond, or nothing within, the training length. */
function summary(grid: NeedleGrid, cellsAt: (column: number) => number[]): string {
  const { lengths, trainingLength } = grid;
  const part = (words: string, isWanted: (length: number) => boolean) => {
    const cells = lengths.flatMap((n, column) => (isWanted(n) ? cellsAt(column) : []));
    return cells.length > 0 ? [`${words} ${(100 * mean(cells)).toFixed(1)} %`] : [];
  };
  const parts = [
    ...part(`* within the training length of ${trainingLength}:`, (n) => n <= trainingLength),
    ...part('beyond it:', (n) => n > trainingLength),
  ];
  return parts.join('; ');
}

const stepsOf = ({ firstStep, step }: NeedleGrid): string =>
  firstStep === step ? `step ${step}` : `steps ${firstStep} to ${step}`;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
