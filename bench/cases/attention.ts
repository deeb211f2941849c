/** @file Attention, both ways, with and without a window. */
import { attention } from '@/engine/ops/attention';
import { type BenchCase, words } from '../benchCase';
import type { Workbench } from '../workbench';

const WINDOW = 128;
const lengths = [256, 512, 2048];
const heads = { H: 4, G: 2, C: 64 };
/** Products of a query, a key or a value with another, for each pair that meets: forward 2, backward 5. */
const PRODUCTS = { forward: 2, backward: 5 };

/** Pairs of a query and a key that it sees, in a sequence of S. */
function pairs(S: number, window: number): number {
  const w = Math.min(window, S);
  return (w * (w + 1)) / 2 + (S - w) * w;
}

function record(bench: Workbench, S: number, window: number | undefined): void {
  const { H, G, C } = heads;
  const [q, k, v] = [H, G, G].map((count) => bench.parameter([S, count * C]));
  const documents = bench.tensor([S], 'u32');
  const { y_TH } = attention(bench.tape, q!, k!, v!, documents, {
    sequenceLength: S,
    headCount: H,
    kvHeadCount: G,
    window,
    isMaskedByDocument: true,
  });
  bench.seedGradient(y_TH);
}

function cases(S: number, window: number | undefined): BenchCase[] {
  const { H, G, C } = heads;
  const kind = window === undefined ? 'global' : 'local';
  const shape = { S, window: window ?? S, ...heads };
  const work = 2 * H * C * pairs(S, window ?? S);
  return [
    {
      name: `attention forward ${kind} S=${S}`,
      shape,
      flops: PRODUCTS.forward * work,
      bytes: words(S * C * (2 * H + 2 * G)),
      record: (bench) => record(bench, S, window),
    },
    {
      name: `attention backward ${kind} S=${S}`,
      shape,
      flops: PRODUCTS.backward * work,
      bytes: words(S * C * (4 * H + 4 * G)),
      record(bench) {
        record(bench, S, window);
        bench.startTiming();
        bench.tape.backward();
      },
    },
  ];
}

export const attentionCases: readonly BenchCase[] = lengths.flatMap((S) => [
  ...cases(S, undefined),
  ...cases(S, WINDOW),
]);
