/** @file A report as text: tables for a terminal or a page. */
import type { CaseResult, Report } from './run';
import { growth, spread } from './statistics';
import type { StepResult } from './stepTiming';
import { giga, percent, short, table } from './table';

/** Kernels of a step that are listed. */
const SHOWN = 12;
const MEBI = 2 ** 20;

export function reportText(report: Report): string {
  const { adapter, date, peaks, cases, steps, memory } = report;
  const note = adapter.isSoftware
    ? '\nA software adapter: ratios within this run mean something, times elsewhere do not.'
    : '';
  const parts = [
    `adapter: ${adapter.name}${adapter.isSoftware ? ' (software)' : ''}, ${date}${note}`,
    `peaks: ${giga(peaks.flops)} GFLOP/s f32 multiply-add in registers, ${giga(peaks.bytes)} GB/s copy`,
    ...(cases.length > 0 ? [caseTable(cases)] : []),
    ...(steps.length > 0 ? [stepTable(steps)] : []),
    ...sweepLines(steps),
    ...steps.flatMap(splitTable),
    ...memory.map(
      ({ name, planned, measured }) =>
        `${name}: planned ${mebi(planned)} MiB, measured ${mebi(measured)} MiB (${short(measured / planned)}x)`,
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

const mebi = (bytes: number): string => short(bytes / MEBI);

const rate = (value: number): string => (value > 0 ? giga(value) : '');

const caseTable = (cases: readonly CaseResult[]): string =>
  table<CaseResult>(
    [
      { title: 'case', cell: ({ name }) => name, isText: true },
      { title: 'ms', cell: ({ ms }) => short(ms.median) },
      { title: '+-', cell: ({ ms }) => percent(spread(ms) / 2) },
      { title: 'GFLOP/s', cell: ({ flops }) => rate(flops) },
      { title: 'GB/s', cell: ({ bytes }) => rate(bytes) },
      { title: 'of peak', cell: ({ share }) => percent(share) },
    ],
    cases,
  );

const stepTable = (steps: readonly StepResult[]): string =>
  table<StepResult>(
    [
      { title: 'step', cell: ({ name }) => name, isText: true },
      { title: 'ms', cell: ({ ms }) => short(ms.median) },
      { title: '+-', cell: ({ ms }) => percent(spread(ms) / 2) },
      { title: 'forward+backward', cell: ({ parts }) => short(parts.microBatch.median) },
      { title: 'update', cell: ({ parts }) => short(parts.update.median) },
      { title: 'encode ms', cell: ({ encodeMs }) => short(encodeMs.median) },
      { title: 'tokens/s', cell: ({ tokens, ms }) => short((1000 * tokens) / ms.median) },
      { title: 'GFLOP/s', cell: ({ flops, ms }) => giga((1000 * flops) / ms.median) },
      { title: 'dispatches', cell: ({ dispatches }) => String(dispatches.step) },
      { title: 'a layer', cell: ({ dispatches }) => String(dispatches.layer) },
      { title: 'submits', cell: ({ submits }) => String(submits) },
      { title: 'busiest', cell: ({ busiest }) => (busiest ? short(busiest) : '') },
      { title: 'activations MiB', cell: ({ bytes }) => mebi(bytes.activations) },
    ],
    steps,
  );

/** For each sweep: the power with which time grows, and the largest step over the smallest. */
function sweepLines(steps: readonly StepResult[]): string[] {
  const sweeps = new Map<string, StepResult[]>();
  for (const step of steps) {
    if (step.sweep) sweeps.set(step.sweep.of, [...(sweeps.get(step.sweep.of) ?? []), step]);
  }
  return [...sweeps].flatMap(([of, points]) => {
    if (points.length < 2) return [];
    const power = growth(points.map(({ sweep, ms }) => ({ x: sweep!.x, y: ms.median })));
    const ratio = points.at(-1)!.ms.median / points[0]!.ms.median;
    const range = `${points[0]!.sweep!.x} to ${points.at(-1)!.sweep!.x}`;
    return [`${of}, ${range}: ${short(ratio)}x the time, power ${short(power)}`];
  });
}

function splitTable({ name, split }: StepResult): string[] {
  if (!split) return [];
  const total = split.reduce((sum, { ms }) => sum + ms, 0);
  const text = table<(typeof split)[number]>(
    [
      { title: 'kernel', cell: ({ kernel }) => kernel, isText: true },
      { title: 'dispatches', cell: ({ dispatches }) => String(dispatches) },
      { title: 'ms', cell: ({ ms }) => short(ms) },
      { title: 'of kernels', cell: ({ ms }) => percent(ms / total) },
    ],
    split.slice(0, SHOWN),
  );
  return [`${name}, by kernel (timestamps)\n${text}`];
}
