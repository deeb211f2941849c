/** @file One product for all experts: forward, gradient of the rows, gradient of the weights. */
import { dispatch } from '@/engine/ops/dispatch';
import { groupedLinear, sortedRows } from '@/engine/ops/groupedMatmul';
import { type BenchCase, words } from '../benchCase';
import { type Load, loads, selection } from '../routing';
import type { Workbench } from '../workbench';

/** A layer of the small preset, with fewer tokens so that software adapters finish. */
const shape = { T: 1024, K: 4, E: 32, F: 128, D: 256 };

/** Dispatches of the way back, in the order in which `groupedLinear` records them. */
const backward = ['dX', 'dW'] as const;

function record(bench: Workbench, load: Load): void {
  const { T, K, E, F, D } = shape;
  const selected = bench.tensor([T, K], 'u32', selection(load, E, T * K));
  const dispatched = dispatch(bench.tape, selected, bench.tensor([1, E], 'u32'), 0);
  const rows = sortedRows(bench.parameter([T * K, D]));
  const weights = bench.parameter([E, F, D]);
  bench.startTiming();
  const y = groupedLinear(bench.tape, rows, weights, dispatched);
  bench.seedGradient(y);
}

const forwardCase = (load: Load): BenchCase => ({
  ...common(load, 'forward'),
  record: (bench) => record(bench, load),
});

const backwardCase = (load: Load, part: (typeof backward)[number]): BenchCase => ({
  ...common(load, part),
  record(bench) {
    record(bench, load);
    const before = bench.tape.dispatches.length;
    bench.tape.backward();
    bench.timeOnly(before + backward.indexOf(part));
  },
});

function common(load: Load, part: string): Pick<BenchCase, 'name' | 'shape' | 'flops' | 'bytes'> {
  const { T, K, E, F, D } = shape;
  const touched = load === 'one' ? 1 : E;
  return {
    name: `grouped matmul ${part} ${load}`,
    shape,
    flops: 2 * T * K * F * D,
    bytes: words(T * K * (F + D) + touched * F * D),
  };
}

export const groupedMatmulCases: readonly BenchCase[] = loads.flatMap((load) => [
  forwardCase(load),
  ...backward.map((part) => backwardCase(load, part)),
]);
