/** @file A step as a whole: device against processor, and the peaks that kernels are held against. */
import type { ReactNode } from 'react';
import { formatFixed, formatRough, NOTHING } from '@/ui/format/numbers';
import { Figure } from '@/ui/live/Figure';
import styles from './KernelFacts.module.css';
import type { KernelSplit } from './kernelRows';
import { Caption } from './parts';

const GIGA = 1e9;

/** A number of the split; one without `unit` is a count. */
interface Row {
  readonly name: string;
  readonly note?: string;
  readonly metric: string;
  readonly unit?: string;
  readonly value: number | undefined;
}

export function KernelFacts({ split, isTimed }: { split: KernelSplit; isTimed: boolean }) {
  return (
    <>
      <Caption>
        <b>Device against processor</b>
      </Caption>
      <table className={styles['facts']}>
        <tbody>
          <Fact
            name="step, by the clock"
            note="Mean of the last steps, with all that goes on between them."
          >
            <Figure metric="train.stepTime" />
          </Fact>
          {rowsOf(split, isTimed).map((row) => (
            <Fact key={row.metric} name={row.name} note={row.note}>
              <Value row={row} step={split.step} />
            </Fact>
          ))}
        </tbody>
      </table>
    </>
  );
}

function rowsOf({ uses, submits, encodeMs, peaks }: KernelSplit, isTimed: boolean): Row[] {
  const sum = (pick: (use: KernelSplit['uses'][number]) => number) =>
    uses.reduce((all, use) => all + pick(use), 0);
  return [
    {
      name: 'device, all kernels',
      note: 'Each alone between two timestamps.',
      metric: 'deviceMs',
      unit: 'ms',
      value: isTimed ? sum(({ ms }) => ms ?? 0) : undefined,
    },
    {
      name: 'processor',
      note: 'Encoding and submitting a step.',
      metric: 'encodeMs',
      unit: 'ms',
      value: encodeMs,
    },
    { name: 'dispatches', metric: 'dispatches', value: sum(({ calls }) => calls) },
    {
      name: 'submits',
      note: 'More than one only where a step is long.',
      metric: 'submits',
      value: submits,
    },
    {
      name: 'work',
      note: 'Matrix products, experts and attention.',
      metric: 'gigaFlops',
      unit: 'GFLOP',
      value: sum(({ flops }) => flops) / GIGA,
    },
    {
      name: 'peak, f32 multiply-add',
      note: 'In registers, measured here.',
      metric: 'peakFlops',
      unit: 'GFLOP/s',
      value: peaks && peaks.flops / GIGA,
    },
    {
      name: 'peak, copy',
      note: 'Read and written together, measured here.',
      metric: 'peakBytes',
      unit: 'GB/s',
      value: peaks && peaks.bytes / GIGA,
    },
  ];
}

/** With name, step and full value for whoever reads the page by script. */
function Value({ row: { metric, value, unit }, step }: { row: Row; step: number }) {
  if (value === undefined) return NOTHING;
  return (
    <span data-metric={`kernels.${metric}`} data-step={step} data-value={String(value)}>
      {unit ? formatRough(value) : formatFixed(value, Number.isInteger(value) ? 0 : 1)}
      {unit && <span className={styles['unit']}>{unit}</span>}
    </span>
  );
}

const Fact = (props: { name: string; note: string | undefined; children: ReactNode }) => (
  <tr>
    <th scope="row">
      {props.name}
      {props.note && <span>{props.note}</span>}
    </th>
    <td>{props.children}</td>
  </tr>
);
