import { describe, expect, it } from 'vitest';
import type { KernelUse } from '@/engine/train/commands';
import { type KernelSplit, kindRows, peakShare, rateOf, totalOf } from '@/ui/panels/kernelRows';

const use = (kernel: string, kind: KernelUse['kind'], changes: Partial<KernelUse>): KernelUse => ({
  kind,
  kernel,
  calls: 1,
  ms: 1,
  flops: 0,
  bytes: 0,
  ...changes,
});
const peaks = { flops: 1e9, bytes: 1e8 };
const split = (uses: KernelUse[], changes: Partial<KernelSplit> = {}): KernelSplit => ({
  step: 7,
  steps: 1,
  uses,
  submits: 1,
  encodeMs: 1,
  peaks,
  ...changes,
});

// 4 ms of operations, 2 ms of bytes: of 8 and 2 ms measured.
const product = use('matmul', 'matmul', { ms: 8, calls: 3, flops: 4e6, bytes: 1e4 });
const copy = use('mxfp8', 'matmul', { ms: 4, bytes: 2e5 });
const norm = use('rmsNorm', 'norms', { ms: 4, calls: 2, bytes: 1e5 });

describe('the rows of the Kernels panel', () => {
  it('are kinds with their kernels, the longest first, as shares of the step', () => {
    const rows = kindRows(split([norm, copy, product]));
    expect(rows.map(({ total, kernels }) => [total.name, kernels.map(({ name }) => name)])).toEqual(
      [
        ['matrix products', ['matmul', 'mxfp8']],
        ['norms', ['rmsNorm']],
      ],
    );
    expect(rows.map(({ total }) => total.share)).toEqual([0.75, 0.25]);
    expect(rows[0]!.kernels.map(({ share }) => share)).toEqual([0.5, 0.25]);
  });

  it('sum up calls, times and work of a kind, each kernel by the peak that binds it', () => {
    const [matmul] = kindRows(split([norm, copy, product]));
    expect(matmul!.total).toMatchObject({ calls: 4, ms: 12, flops: 4e6, bytes: 2.1e5, least: 6 });
    expect(peakShare(matmul!.total)).toBe(0.5);
    expect(matmul!.kernels.map(peakShare)).toEqual([0.5, 0.5]);
  });

  it('know no share of a peak that was not measured', () => {
    const [matmul] = kindRows(split([product, norm], { peaks: undefined }));
    expect(matmul!.total.least).toBeUndefined();
    expect(peakShare(matmul!.total)).toBeUndefined();
    expect(matmul!.total.share).toBe(2 / 3);
  });

  it('go by the least time where the adapter has no timestamps', () => {
    const untimed = [norm, copy, product].map((one) => ({ ...one, ms: undefined }));
    const rows = kindRows(split(untimed));
    expect(rows.map(({ kind }) => kind)).toEqual(['matmul', 'norms']);
    expect(rows.map(({ total }) => total.share)).toEqual([6 / 7, 1 / 7]);
    expect(rows.map(({ total }) => total.ms)).toEqual([undefined, undefined]);
    expect(peakShare(rows[0]!.total)).toBeUndefined();
  });

  it('have no shares where nothing took any time', () => {
    const [row] = kindRows(split([use('add', 'gates', { ms: 0 })]));
    expect(row!.total.share).toBe(0);
    expect(peakShare(row!.total)).toBeUndefined();
  });

  it('are nothing where nothing ran', () => {
    expect(kindRows(split([]))).toEqual([]);
    expect(totalOf('none', [])).toMatchObject({ calls: 0, ms: 0 });
  });
});

describe('a rate', () => {
  it('is an amount a second', () => expect(rateOf(3e6, 2)).toBe(1.5e9));

  it('is none of nothing, and none without a time', () => {
    expect(rateOf(0, 2)).toBeUndefined();
    expect(rateOf(5, undefined)).toBeUndefined();
    expect(rateOf(5, 0)).toBeUndefined();
  });
});
