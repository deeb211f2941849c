/** @file A report as text: tables for a terminal or a page. */
import { leastMs } from '@/engine/math/roofline';
import type { CaseResult, Report } from './run';
import { comparedRounds, growth, median, pairedRatio, spread } from './statistics';
import type { StepResult } from './stepTiming';
import { giga, percent, short, table } from './table';

/** Kernels of a step that are listed. */
const SHOWN = 12;
const MEBI = 2 ** 20;

export function reportText(report: Report): string {
  const { adapter, date, peaks, cases, steps, encoding, memory } = report;
  const note = adapter.isSoftware
    ? '\nA software adapter: ratios within this run mean something, times elsewhere do not.'
    : '';
  const parts = [
    `adapter: ${adapter.name}${adapter.isSoftware ? ' (software)' : ''}, ${date}${note}`,
    `peaks: ${giga(peaks.flops)} GFLOP/s f32 multiply-add in registers, ${giga(peaks.bytes)} GB/s copy`,
    ...(cases.length > 0 ? [caseTable(cases)] : []),
    ...(steps.length > 0 ? [stepTable(steps)] : []),
    ...comparisons(steps),
    ...steps.flatMap((step) => splitTable(step, peaks)),
    ...encoding.map(
      ({ name, dispatches, ms }) =>
        `${name}: ${short(ms.median)} ms (${short(ms.low)} to ${short(ms.high)}) for ${dispatches} dispatches`,
    ),
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

/**
 * What the sweeps say: the power with which time grows, and times of two cases against each other, as medians over
 * the rounds in which both were measured.
 */
function comparisons(steps: readonly StepResult[]): string[] {
  const sweeps = new Map<string, StepResult[]>();
  for (const step of steps) {
    if (step.sweep) sweeps.set(step.sweep.of, [...(sweeps.get(step.sweep.of) ?? []), step]);
  }
  const growths = [...sweeps].flatMap(([of, points]) => {
    if (points.length < 2) return [];
    const power = growth(
      points.map((point) => ({ x: point.sweep!.x, y: median(comparedRounds(point)) })),
    );
    const links = points.slice(1).map((point, i) => against(point, points[i]!));
    return [
      `${of}: power ${short(power)}`,
      ...links.map((link) => `  ${link}`),
      `  ${against(points.at(-1)!, points[0]!)}`,
    ];
  });
  const pairs = steps.flatMap((step) => {
    const other = steps.find(({ name }) => name === step.beside);
    return other ? [against(step, other)] : [];
  });
  const lines = [...growths, ...pairs];
  return lines.length > 0 ? [lines.join('\n')] : [];
}

function against(one: StepResult, other: StepResult): string {
  const { median, low, high } = pairedRatio(comparedRounds(one), comparedRounds(other));
  return `${one.name} / ${other.name}: ${short(median)} (${short(low)} to ${short(high)})`;
}

function splitTable({ name, split }: StepResult, peaks: Report['peaks']): string[] {
  if (!split) return [];
  const total = split.reduce((sum, { ms }) => sum + ms, 0);
  const text = table<(typeof split)[number]>(
    [
      { title: 'kernel', cell: ({ kernel }) => kernel, isText: true },
      { title: 'of', cell: ({ kind }) => kind, isText: true },
      { title: 'dispatches', cell: ({ calls }) => String(calls) },
      { title: 'ms', cell: ({ ms }) => short(ms) },
      { title: 'of kernels', cell: ({ ms }) => percent(ms / total) },
      { title: 'GFLOP/s', cell: ({ flops, ms }) => rate((1000 * flops) / ms) },
      { title: 'GB/s', cell: ({ bytes, ms }) => rate((1000 * bytes) / ms) },
      { title: 'of peak', cell: (use) => percent(leastMs(use, peaks) / use.ms) },
    ],
    split.slice(0, SHOWN),
  );
  return [`${name}, by kernel (timestamps)\n${text}`];
}
