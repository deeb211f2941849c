import { describe, expect, it } from 'vitest';
import { router, routerLive } from '@/engine/ops/router';
import {
  gates,
  margins,
  type RouterShape,
  scores,
  select,
  sequenceBalance,
  switchBalance,
} from '../reference/router';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';
import { routingRecord } from '../support/routing';

const lab = openLab();
const ALPHA = 0.7; // large, so that the balance losses show in the gradient
const SWITCH = 0.4;

const trinity = { scoring: 'sigmoid', isNormalised: true } as const;
const hunyuan = { scoring: 'softmax', isNormalised: false } as const;
const shapes: RouterShape[] = [
  { T: 1, E: 1, K: 1, S: 1, routeScale: 2, ...trinity },
  { T: 6, E: 5, K: 5, S: 3, routeScale: 2.448, ...trinity },
  { T: 74, E: 16, K: 4, S: 37, routeScale: 2.826, ...trinity },
  { T: 10, E: 130, K: 8, S: 10, routeScale: 2.826, ...trinity },
  { T: 74, E: 16, K: 1, S: 37, routeScale: 1, ...hunyuan },
  { T: 8, E: 3, K: 2, S: 4, routeScale: 1.5, ...hunyuan },
  { T: 70, E: 9, K: 3, S: 35, routeScale: 1, scoring: 'softmax', isNormalised: true },
  { T: 70, E: 9, K: 3, S: 35, routeScale: 1, scoring: 'sigmoid', isNormalised: false },
  { T: 3, E: 1, K: 1, S: 3, routeScale: 1, ...hunyuan },
];

function build(
  shape: RouterShape,
  logits: Float64Array,
  bias: Float64Array,
  { row = 0, rows = 1, isForced = 0 } = {},
) {
  const { T, E, K, S } = shape;
  const bench = lab.bench();
  const live = bench.live.block('router', routerLive);
  live.set({ alpha: ALPHA, switchWeight: SWITCH, isForced });
  const all = new Float64Array(rows * E).fill(9); // other layers' biases must not matter
  all.set(bias, row * E);
  const logitsAt = bench.parameter([T, E], logits, 0);
  const record = routingRecord(bench, rows, T / S, E);
  const routed = router(bench.tape, logitsAt.value, {
    ...shape,
    bias_LE: bench.tensor([rows, E], all),
    record,
    row,
    expertsPerToken: K,
    sequenceLength: S,
    live,
    capacity: undefined,
  });
  for (const tensor of [routed.scores_TE, routed.selected_TK, routed.gates_TK])
    bench.tape.keep(tensor);
  return { bench, routed, dlogits: logitsAt.gradient, record };
}

describe('router', () => {
  it.each(shapes)('chooses and weighs like float64 loops, both ways: %o', async (shape) => {
    const { T, E, K, S } = shape;
    const logits = noise(T * E, 1, 2);
    const bias = noise(E, 2, 0.3);
    const dgates = noise(T * K, 3);
    const s = scores(logits, shape);
    const chosen = select(s, bias, shape);
    const { bench, routed, dlogits, record } = build(shape, logits, bias, { row: 1, rows: 3 });
    bench.seedGradient(routed.gates_TK, dgates);
    bench.tape.backward();
    await bench.run();
    expect([...(await bench.read(routed.selected_TK))]).toEqual(chosen);
    expectClose(await bench.read(routed.scores_TE), s, { rtol: 3e-6, atol: 1e-7 }, 'scores');
    const weights = Float64Array.from(await bench.read(routed.gates_TK));
    expectClose(weights, gates(s, chosen, shape), { rtol: 5e-6, atol: 1e-7 }, 'gates');
    const counts = (await bench.read(record.counts_LE)).slice(E, 2 * E);
    expect([...counts]).toEqual(
      Array.from({ length: E }, (_, e) => chosen.filter((id) => id === e).length),
    );
    const row = (await bench.read(record.statistics_LB2)).slice((2 * T) / S, (4 * T) / S);
    const margin = margins(s, bias, shape);
    const statistics = sequenceBalance(s, chosen, shape).flatMap((loss, b) => [
      loss,
      margin.slice(b * S, (b + 1) * S).reduce((sum, m) => sum + m, 0) / S,
    ]);
    expectClose(row, statistics, { rtol: 1e-5, atol: 1e-7 }, 'balance and margin');

    // the choice itself has no gradient: hold it while the logits move
    const loss = () => {
      const now = scores(logits, shape);
      const mean = sequenceBalance(now, chosen, shape).reduce((a, b) => a + b, 0) / (T / S);
      const gated = gates(now, chosen, shape).reduce((sum, g, i) => sum + g * dgates[i]!, 0);
      return gated + ALPHA * mean + SWITCH * switchBalance(now, chosen, shape);
    };
    expectClose(
      await bench.read(dlogits),
      gradient(loss, logits),
      { rtol: 1e-4, atol: 3e-6 },
      'dlogits',
    );
  });

  it('lets the bias move the choice and never a weight; ties go to the lower expert', async () => {
    const shape = { T: 1, E: 4, K: 2, S: 1, routeScale: 1, ...trinity };
    const bias = Float64Array.from([0, 0, 0, 0.5]);
    const { bench, routed } = build(shape, new Float64Array(4), bias);
    await bench.run();
    expect([...(await bench.read(routed.selected_TK))]).toEqual([3, 0]);
    expect([...(await bench.read(routed.gates_TK))]).toEqual([0.5, 0.5]);
  });

  it('deals experts out in turn when forced, and weighs them by their own scores', async () => {
    const shape = { T: 10, E: 4, K: 2, S: 10, routeScale: 1, ...trinity };
    const logits = noise(40, 5, 2);
    const { bench, routed, record } = build(shape, logits, new Float64Array(4), {
      row: 1,
      rows: 2,
      isForced: 1,
    });
    await bench.run();
    const dealt = Array.from({ length: 20 }, (_, i) => (i + 1) % 4);
    expect([...(await bench.read(routed.selected_TK))]).toEqual(dealt);
    expect([...(await bench.read(record.counts_LE))].slice(4)).toEqual([5, 5, 5, 5]);
    const want = gates(scores(logits, shape), dealt, shape);
    expectClose(await bench.read(routed.gates_TK), want, { rtol: 5e-6, atol: 0 });
  });
});
