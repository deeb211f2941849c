/** @file What the Kernels panel shows, made of what the engine measured. */
import { type Amounts, leastMs } from '@/engine/math/roofline';
import type { Events, KernelKind, KernelUse } from '@/engine/train/commands';

export type KernelSplit = Events['kernels'];

/** What a kind is called. */
export const kindNames: Readonly<Record<KernelKind, string>> = {
  matmul: 'matrix products',
  experts: 'experts',
  attention: 'attention',
  norms: 'norms',
  gates: 'gates and sums',
  router: 'router',
  ends: 'embedding and loss',
  optimizer: 'optimizer',
  views: 'views',
  other: 'other',
};

/** A kernel or a whole kind; rates and shares are undefined where they are not known. */
export interface KernelRow {
  readonly name: string;
  readonly calls: number;
  readonly ms: number | undefined;
  readonly flops: number;
  readonly bytes: number;
  /** The least time at the peaks of the adapter, ms. */
  readonly least: number | undefined;
  /** Of the whole step, 0 to 1: of its time, or of the least time where no times are known. */
  readonly share: number;
}

export interface KindRows {
  readonly kind: KernelKind;
  readonly total: KernelRow;
  readonly kernels: readonly KernelRow[];
}

/** Kinds and the kernels of each, by what they take of the step, most first. */
export function kindRows({ uses, peaks }: KernelSplit): KindRows[] {
  const rows = uses.map((use) => ({ kind: use.kind, ...rowOf(use, peaks) }));
  const weight = (row: Pick<KernelRow, 'ms' | 'least'>) => row.ms ?? row.least ?? 0;
  const whole = rows.reduce((sum, row) => sum + weight(row), 0);
  const shared = rows.map((row) => ({ ...row, share: whole > 0 ? weight(row) / whole : 0 }));
  const byShare = (a: KernelRow, b: KernelRow) => b.share - a.share;
  const kinds = [...new Set(shared.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const kernels = shared.filter((row) => row.kind === kind).sort(byShare);
      return { kind, kernels, total: totalOf(kindNames[kind], kernels) };
    })
    .sort((a, b) => byShare(a.total, b.total));
}

function rowOf(use: KernelUse, peaks: Amounts | undefined): Omit<KernelRow, 'share'> {
  const { kernel, calls, ms, flops, bytes } = use;
  return { name: kernel, calls, ms, flops, bytes, least: peaks && leastMs(use, peaks) };
}

/** Everything of several rows together. Each is bound by its own peak, so their least times add up. */
export function totalOf(name: string, rows: readonly KernelRow[]): KernelRow {
  const sum = (pick: (row: KernelRow) => number) => rows.reduce((all, row) => all + pick(row), 0);
  const known = (pick: (row: KernelRow) => number | undefined) =>
    rows.some((row) => pick(row) === undefined) ? undefined : sum((row) => pick(row) ?? 0);
  return {
    name,
    calls: sum(({ calls }) => calls),
    ms: known(({ ms }) => ms),
    flops: sum(({ flops }) => flops),
    bytes: sum(({ bytes }) => bytes),
    least: known(({ least }) => least),
    share: sum(({ share }) => share),
  };
}

/** Of the peak that binds it, 0 to 1, or more where a cache helps; undefined where either time is not known. */
export const peakShare = ({ ms, least }: KernelRow): number | undefined =>
  ms === undefined || least === undefined || ms === 0 ? undefined : least / ms;

/** An amount a second; undefined where there is no amount or no time. */
export const rateOf = (amount: number, ms: number | undefined): number | undefined =>
  amount === 0 || ms === undefined || ms === 0 ? undefined : (1000 * amount) / ms;
