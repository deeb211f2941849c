/** @file The smaller parts of a block: norms, router, sorting and combining rows, and the loss. */
import { combine } from '@/engine/ops/combine';
import { crossEntropy, lossFields } from '@/engine/ops/crossEntropy';
import { dispatch } from '@/engine/ops/dispatch';
import { LOSSES_LENGTH } from '@/engine/ops/lossSum';
import { residualNorm } from '@/engine/ops/residualNorm';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import { router, routerLive } from '@/engine/ops/router';
import { swiglu } from '@/engine/ops/swiglu';
import { type BenchCase, words } from '../benchCase';
import { selection } from '../routing';
import type { Workbench } from '../workbench';

const T = 1024;
const EPS = 1e-5;

/** Forward, or what `record` left for the way back. */
function both(
  name: string,
  shape: BenchCase['shape'],
  bytes: readonly [forward: number, backward: number],
  record: (bench: Workbench) => void,
): BenchCase[] {
  return [
    { name: `${name} forward`, shape, flops: 0, bytes: words(bytes[0]), record },
    {
      name: `${name} backward`,
      shape,
      flops: 0,
      bytes: words(bytes[1]),
      record(bench) {
        record(bench);
        bench.startTiming();
        bench.tape.backward();
      },
    },
  ];
}

const norms = [64, 256, 1024].flatMap((D) =>
  both(`norm D=${D}`, { T, D }, [2 * T * D, 3 * T * D], (bench) => {
    bench.seedGradient(rmsNorm(bench.tape, bench.parameter([T, D]), bench.parameter([D]), EPS));
  }),
);

const F = 768;
const elementwise = [
  ...both('swiglu', { T, F }, [3 * T * F, 5 * T * F], (bench) => {
    bench.seedGradient(swiglu(bench.tape, bench.parameter([T, 2 * F])));
  }),
  ...both('residual and norms', { T, D: 256 }, [4 * T * 256, 7 * T * 256], (bench) => {
    const given = { residual_TD: bench.noise([T, 256]), part_TD: bench.parameter([T, 256]) };
    const gains = { outer_D: bench.parameter([256]), inner_D: bench.parameter([256]) };
    bench.seedGradient(residualNorm(bench.tape, { ...given, ...gains, eps: EPS }).u_TD);
  }),
];

const choice = { E: 32, K: 4, D: 256, S: 512 };

const routers = both(
  'router',
  { T, ...choice },
  [T * (2 * choice.E + 2 * choice.K), T * (2 * choice.E + 3 * choice.K)],
  (bench) => {
    const { E, K, S } = choice;
    const live = bench.live.block('router', routerLive);
    live.set({ alpha: 1e-4, switchWeight: 0, isForced: 0 });
    const logits = bench.parameter([T, E]);
    const B = T / S;
    const { gates_TK } = router(bench.tape, logits, {
      bias_LE: bench.tensor([1, E]),
      record: {
        counts_LE: bench.tensor([1, E], 'u32'),
        statistics_LB2: bench.tensor([1, B, 2]),
        meanScore_LBE: bench.tensor([1, B, E]),
        switch_L: bench.tensor([1]),
      },
      row: 0,
      expertsPerToken: K,
      sequenceLength: S,
      scoring: 'sigmoid',
      isNormalised: true,
      routeScale: 1,
      live,
      capacity: undefined,
    });
    bench.seedGradient(gates_TK);
  },
);

const combining = both(
  'dispatch and combine',
  { T, ...choice },
  [T * choice.D * (choice.K + 2), T * choice.D * (2 * choice.K + 1)],
  (bench) => {
    const { E, K, D } = choice;
    const selected = bench.tensor([T, K], 'u32', selection('even', E, T * K));
    const dispatched = dispatch(bench.tape, selected, bench.tensor([1, E], 'u32'), 0);
    const rows = bench.parameter([T * K, D]);
    const shared = bench.noise([T, D]);
    const gates = bench.parameter([T, K]);
    bench.seedGradient(combine(bench.tape, rows, gates, dispatched, shared));
  },
);

const V = 4096;
const losses = both(
  `cross-entropy V=${V}`,
  { T, D: 256, V },
  [V * 256 + T * 256 + T * V, 2 * V * 256 + 2 * T * 256 + 2 * T * V],
  (bench) => {
    const live = bench.live.block('loss', lossFields);
    live.set({ scale: 1 / T, z: 0 });
    const targets = Uint32Array.from({ length: T }, (_, t) => (t * 67) % V);
    crossEntropy(bench.tape, bench.parameter([T, 256]), bench.parameter([V, 256]), {
      targets_T: bench.tensor([T], 'u32', targets),
      live,
      losses: bench.tensor([LOSSES_LENGTH]),
    });
  },
).map((one, i) => ({ ...one, flops: 2 * (i + 1) * T * 256 * V }));

export const layerCases: readonly BenchCase[] = [
  ...norms,
  ...elementwise,
  ...routers,
  ...combining,
  ...losses,
];
