import { describe, expect, it } from 'vitest';
import { balanceLossFields, router } from '@/engine/ops/router';
import { gates, type RouterShape, scores, select, sequenceBalance } from '../reference/router';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();
const ALPHA = 0.7; // large, so that the balance loss shows in the gradient

const shapes: RouterShape[] = [
  { T: 1, E: 1, K: 1, S: 1, routeScale: 2 },
  { T: 6, E: 5, K: 5, S: 3, routeScale: 2.448 },
  { T: 74, E: 16, K: 4, S: 37, routeScale: 2.826 },
  { T: 10, E: 130, K: 8, S: 10, routeScale: 2.826 },
];

function build(
  shape: RouterShape,
  logits: Float64Array,
  bias: Float64Array,
  row: number,
  rows: number,
) {
  const { T, E, K, S, routeScale } = shape;
  const bench = lab.bench();
  const live = bench.live.block('balance', balanceLossFields);
  live.set({ alpha: ALPHA });
  const all = new Float64Array(rows * E).fill(9); // other layers' biases must not matter
  all.set(bias, row * E);
  const logitsAt = bench.parameter([T, E], logits, 0);
  const balanceLoss_LB = bench.tensor([rows, T / S], []);
  const routed = router(bench.tape, logitsAt.value, {
    bias_LE: bench.tensor([rows, E], all),
    balanceLoss_LB,
    row,
    expertsPerToken: K,
    sequenceLength: S,
    routeScale,
    live,
  });
  for (const tensor of Object.values(routed)) bench.tape.keep(tensor);
  return { bench, routed, dlogits: logitsAt.gradient, balanceLoss_LB };
}

describe('router', () => {
  it.each(shapes)('chooses and weighs like float64 loops, both ways: %o', async (shape) => {
    const { T, E, K, S } = shape;
    const logits = noise(T * E, 1, 2);
    const bias = noise(E, 2, 0.3);
    const dgates = noise(T * K, 3);
    const s = scores(logits);
    const chosen = select(s, bias, shape);
    const { bench, routed, dlogits, balanceLoss_LB } = build(shape, logits, bias, 1, 3);
    bench.seedGradient(routed.gates_TK, dgates);
    bench.tape.backward();
    await bench.run();
    expect([...(await bench.read(routed.selected_TK))]).toEqual(chosen);
    expectClose(await bench.read(routed.scores_TE), s, { rtol: 2e-6, atol: 1e-7 }, 'scores');
    const weights = Float64Array.from(await bench.read(routed.gates_TK));
    expectClose(weights, gates(s, chosen, shape), { rtol: 5e-6, atol: 1e-7 }, 'gates');
    const perToken = Float64Array.from({ length: T }, (_, t) =>
      weights.slice(t * K, (t + 1) * K).reduce((a, b) => a + b, 0),
    );
    expectClose(
      perToken,
      new Float64Array(T).fill(shape.routeScale),
      { rtol: 1e-5, atol: 0 },
      'sum of gates',
    );
    const balance = (await bench.read(balanceLoss_LB)).slice(T / S, 2 * (T / S));
    expectClose(balance, sequenceBalance(s, chosen, shape), { rtol: 1e-5, atol: 0 }, 'balance');

    // the choice itself has no gradient: hold it while the logits move
    const loss = () => {
      const now = scores(logits);
      const mean = sequenceBalance(now, chosen, shape).reduce((a, b) => a + b, 0) / (T / S);
      return (
        gates(now, chosen, shape).reduce((sum, g, i) => sum + g * dgates[i]!, 0) + ALPHA * mean
      );
    };
    expectClose(
      await bench.read(dlogits),
      gradient(loss, logits),
      { rtol: 1e-4, atol: 2e-6 },
      'dlogits',
    );
  });

  it('lets the bias move the choice and never a weight; ties go to the lower expert', async () => {
    const shape = { T: 1, E: 4, K: 2, S: 1, routeScale: 1 };
    const { bench, routed } = build(
      shape,
      new Float64Array(4),
      Float64Array.from([0, 0, 0, 0.5]),
      0,
      1,
    );
    await bench.run();
    expect([...(await bench.read(routed.selected_TK))]).toEqual([3, 0]);
    expect([...(await bench.read(routed.gates_TK))]).toEqual([0.5, 0.5]);
  });
});
