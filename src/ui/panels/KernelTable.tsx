/** @file A step by kind of kernel, each of which opens to its kernels. */
import { type ReactNode, useState } from 'react';
import { Icon } from '@/ui/components/Icon';
import { formatFixed, formatRough, NOTHING } from '@/ui/format/numbers';
import { withMember } from '@/ui/state/view';
import styles from './Kernels.module.css';
import {
  type KernelRow,
  type KernelSplit,
  type KindRows,
  kindRows,
  peakShare,
  rateOf,
} from './kernelRows';

const GIGA = 1e9;
const MEGA = 1e6;

/** A column of numbers: its head, its unit where rows stand as cards, and what it says of a row. */
interface Column {
  readonly head: string;
  readonly unit: string;
  readonly text: (row: KernelRow) => string;
}

const rough = (value: number | undefined): string =>
  value === undefined ? NOTHING : formatRough(value);

const scaled = (value: number | undefined, unit: number) => value && value / unit;

const percent = (share: number | undefined): string =>
  share === undefined ? NOTHING : formatFixed(100 * share, share < 0.0995 ? 1 : 0);

const calls: Column = {
  head: 'calls',
  unit: 'calls',
  text: (row) => formatFixed(row.calls, Number.isInteger(row.calls) ? 0 : 1),
};

/** What is known with timestamps. */
const measured: readonly Column[] = [
  { head: '% of step', unit: '%', text: ({ share }) => percent(share) },
  { head: 'ms', unit: 'ms', text: ({ ms }) => rough(ms) },
  calls,
  {
    head: 'GFLOP/s',
    unit: 'GFLOP/s',
    text: ({ flops, ms }) => rough(scaled(rateOf(flops, ms), GIGA)),
  },
  { head: 'GB/s', unit: 'GB/s', text: ({ bytes, ms }) => rough(scaled(rateOf(bytes, ms), GIGA)) },
  { head: '% of peak', unit: '% of peak', text: (row) => percent(peakShare(row)) },
];

/** What is known without. */
const counted: readonly Column[] = [
  { head: '% of least', unit: '%', text: ({ share }) => percent(share) },
  { head: 'least ms', unit: 'ms at least', text: ({ least }) => rough(least) },
  calls,
  {
    head: 'GFLOP',
    unit: 'GFLOP',
    text: ({ flops }) => (flops === 0 ? NOTHING : rough(flops / GIGA)),
  },
  { head: 'MB', unit: 'MB', text: ({ bytes }) => rough(bytes / MEGA) },
];

export function KernelTable({ split, isTimed }: { split: KernelSplit; isTimed: boolean }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const columns = isTimed ? measured : counted;
  const rows = kindRows(split);
  const longest = Math.max(...rows.map(({ total }) => total.share), Number.MIN_VALUE);
  return (
    <table className={styles['table']} aria-label="A step by kind of kernel, largest first">
      <thead>
        <tr>
          <th scope="col">kernels</th>
          <td />
          {columns.map(({ head }) => (
            <th scope="col" key={head}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      {rows.map((one) => (
        <Kind
          key={one.kind}
          rows={one}
          columns={columns}
          longest={longest}
          step={split.step}
          isOpen={open.has(one.kind)}
          onToggle={() => setOpen(withMember(open, one.kind, !open.has(one.kind)))}
        />
      ))}
    </table>
  );
}

interface KindProps {
  readonly rows: KindRows;
  readonly columns: readonly Column[];
  /** Share of the largest kind: its bar is full. */
  readonly longest: number;
  readonly step: number;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function Kind({ rows, isOpen, onToggle, ...rest }: KindProps) {
  const { kind, total, kernels } = rows;
  return (
    <tbody data-kind={kind}>
      <Line row={total} {...rest}>
        <button type="button" aria-expanded={isOpen} onClick={onToggle}>
          <Icon name={isOpen ? 'down' : 'right'} />
          {total.name}
        </button>
      </Line>
      {isOpen &&
        kernels.map((row) => (
          <Line key={row.name} row={row} isKernel {...rest}>
            <code>{row.name}</code>
          </Line>
        ))}
    </tbody>
  );
}

function Line(props: {
  row: KernelRow;
  columns: readonly Column[];
  longest: number;
  step: number;
  isKernel?: true;
  children: ReactNode;
}) {
  const { row, columns, longest, step, isKernel, children } = props;
  const value = row.ms ?? row.least;
  return (
    <tr
      className={isKernel && styles['kernel']}
      data-metric={row.ms === undefined ? 'kernels.leastMs' : 'kernels.ms'}
      data-name={row.name}
      data-step={step}
      data-value={value === undefined ? undefined : String(value)}
    >
      <th scope="row">{children}</th>
      <td className={styles['barCell']}>
        <Bar share={row.share / longest} least={row.ms === undefined ? 0 : (peakShare(row) ?? 0)} />
      </td>
      {columns.map(({ head, unit, text }) => (
        <td key={head}>
          {text(row)}
          <span className={styles['unit']}>{unit}</span>
        </td>
      ))}
    </tr>
  );
}

/** As long as its part of the step; the solid part is what a kernel at the peak would take. */
const Bar = ({ share, least }: { share: number; least: number }) => (
  <span className={styles['bar']} style={{ width: `${100 * share}%` }}>
    <i style={{ width: `${100 * Math.min(1, least)}%` }} />
  </span>
);
