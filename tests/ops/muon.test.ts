import { describe, expect, it } from 'vitest';
import {
  type MuonMatrices,
  muon,
  muonLive,
  muonRateRules,
  newtonSchulzLive,
} from '@/engine/ops/muon';
import { muonCoefficients } from '@/engine/optim/newtonSchulz';
import { type RateRule, muon as reference } from '../reference/muon';
import { expectClose, relativeError } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

// decay large and exact in float32, so that a kernel that forgets it is caught
const RATES = { lr: 0.25, momentum: 0.75, weightDecay: 0.5 };
const CLIP_SCALE = 0.375;
const lab = openLab();

type Kind = Parameters<typeof muonCoefficients>[0];

const triplesOf = (kind: Kind): number[][] => {
  const { a0, b0, c0, a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4 } = muonCoefficients(kind);
  return [
    [a0, b0, c0],
    [a1, b1, c1],
    [a2, b2, c2],
    [a3, b3, c3],
    [a4, b4, c4],
  ];
};

type Shape = Pick<MuonMatrices, 'rows' | 'columns' | 'count'>;

interface Case extends Shape {
  readonly chunkBytes?: number;
  readonly lr?: number;
  readonly nesterov?: boolean;
  readonly kind?: Kind;
  readonly rule?: RateRule;
  readonly eps?: number;
}

const start = ({ rows, columns, count }: Shape) => {
  const N = rows * columns * count;
  return { weights: noise(N, 1, 2), gradients: noise(N, 2, 3), momentum: noise(N, 3) };
};

type Bench = ReturnType<typeof lab.bench>;

/** Matrices of a shape on the device, with a rate of their own. */
function matricesOf(bench: Bench, values: ReturnType<typeof start>, shape: Case) {
  const { rows, columns, count, lr = RATES.lr, nesterov = true, rule = 'fan' } = shape;
  const rates = bench.live.block(`muon ${lr}`, muonLive);
  const { eps = 1e-7 } = shape;
  rates.set({ ...RATES, lr, rateRule: muonRateRules[rule], nesterov: Number(nesterov), eps });
  return {
    ...{ rows, columns, count, rates },
    weights: bench.tensor([values.weights.length], values.weights),
    gradients: bench.tensor([values.gradients.length], values.gradients),
    momentum: bench.tensor([values.momentum.length], values.momentum),
  };
}

const coefficientsOf = (bench: Bench, kind: Kind) => {
  const coefficients = bench.live.block('newtonSchulz', newtonSchulzLive);
  coefficients.set(muonCoefficients(kind));
  return coefficients;
};

function record(values: ReturnType<typeof start>, shape: Case, clip: readonly number[]) {
  const bench = lab.bench();
  const tensors = matricesOf(bench, values, shape);
  const { kind = 'classic', ...chunks } = shape;
  const coefficients = coefficientsOf(bench, kind);
  muon(bench.tape, [tensors], { ...chunks, clip: bench.tensor([4], clip), coefficients });
  return { bench, tensors };
}

/** Runs one step on the device and in float64, and compares momentum and the movement of the weights. */
async function expectSame(shape: Case, worst = 3e-6) {
  const { rows, columns, nesterov = true, kind = 'classic', rule = 'fan', eps = 1e-7 } = shape;
  const values = start(shape);
  const before = values.weights.slice();
  const { bench, tensors } = record(values, shape, [0, CLIP_SCALE, 0, 0]);
  await bench.run();
  const { weights, gradients, momentum } = values;
  const rates = { ...RATES, rule, nesterov, eps };
  reference(weights, gradients, momentum, [rows, columns], CLIP_SCALE, rates, triplesOf(kind));
  expectClose(await bench.read(tensors.momentum), momentum, { rtol: 1e-6, atol: 2e-7 });
  // Five rounds of products, each stretching small singular values threefold: more than one rounding,
  // yet a kernel in less than float32 would not pass.
  const moved = await bench.read(tensors.weights);
  expect(relativeError(moved, weights, before)).toBeLessThan(worst);
  return bench;
}

describe('muon', () => {
  // a number; a row; a column; wide, tall and square; off and on the vec4 grid; more parts than one a matrix
  it.each([
    [1, 1, 3],
    [1, 7, 2],
    [7, 1, 2],
    [5, 9, 3],
    [9, 5, 3],
    [12, 32, 2],
    [32, 12, 4],
    [33, 33, 1],
    [70, 131, 2],
  ])('equals the float64 reference, %i x %i, %i matrices', async (rows, columns, count) => {
    await expectSame({ rows, columns, count });
  });

  it.each(['dion', 'polarExpress'] as const)(
    'follows the coefficients of %s, one triple a round',
    async (kind) => {
      await expectSame({ rows: 12, columns: 20, count: 2, kind });
      await expectSame({ rows: 20, columns: 12, count: 2, kind });
      // several workgroups along both sides of the Gram matrix
      await expectSame({ rows: 76, columns: 80, count: 2, kind });
    },
  );

  it.each(['spectral', 'rms'] as const)(
    'scales the rate of wide, square and tall matrices by the rule %s',
    async (rule) => {
      await expectSame({ rows: 4, columns: 10, count: 2, rule });
      await expectSame({ rows: 6, columns: 6, count: 2, rule });
      await expectSame({ rows: 10, columns: 4, count: 2, rule });
    },
  );

  it('looks ahead only with Nesterov', async () => {
    await expectSame({ rows: 8, columns: 6, count: 2, nesterov: false });
  });

  it('adds eps to the norm of each matrix', async () => {
    await expectSame({ rows: 3, columns: 4, count: 2, eps: 4 });
  });

  it('gives the same in chunks of matrices', async () => {
    const shape = { rows: 6, columns: 10, count: 5 };
    const chunkBytes = 2 * 4 * (3 * 6 * 10 + 2 * 6 * 6); // two matrices at a time: 2, 2 and 1
    const bench = await expectSame({ ...shape, chunkBytes });
    const updates = bench.tape.dispatches.filter(({ kernel }) => kernel.entryPoint === 'apply');
    expect(updates.map(({ params }) => [params['first'], params['n']])).toEqual([
      [0, 2],
      [120, 2],
      [240, 1],
    ]);
    await expectSame({ ...shape, chunkBytes: 1 }); // less than one matrix: one at a time
  });

  it('takes matrices of the same sides together, tall or wide, each at its own rate', async () => {
    const bench = lab.bench();
    // three at a time: over the borders of ranges, and a range over the borders of chunks; other sides in between
    const shapes: readonly Case[] = [
      { rows: 5, columns: 9, count: 4, lr: 0.25 },
      { rows: 9, columns: 5, count: 3, lr: 0.5 },
      { rows: 4, columns: 9, count: 1, lr: 0.125 },
      { rows: 5, columns: 9, count: 1, lr: 0.75 },
    ];
    const ranges = shapes.map((shape, i) => {
      const N = shape.rows * shape.columns * shape.count;
      const values = {
        weights: noise(N, 4 + i, 2),
        gradients: noise(N, 8 + i, 3),
        momentum: noise(N, 12 + i),
      };
      return { shape, values, before: values.weights.slice() };
    });
    const tensors = ranges.map(({ shape, values }) => matricesOf(bench, values, shape));
    const coefficients = coefficientsOf(bench, 'classic');
    const clip = bench.tensor([4], [0, CLIP_SCALE, 0, 0]);
    muon(bench.tape, tensors, { clip, coefficients, maxBindingBytes: 3 * 4 * 45 });
    await bench.run();
    const products = bench.tape.dispatches.filter(({ kernel }) => kernel.name.includes('matmul'));
    expect(products.map(({ grid }) => grid[2]).filter((_, i) => i % 15 === 0)).toEqual([
      3, 3, 2, 1,
    ]);
    for (const [i, { shape, values, before }] of ranges.entries()) {
      const { rows, columns, lr = 0 } = shape;
      const rates = { ...RATES, lr, rule: 'fan', nesterov: true, eps: 1e-7 } as const;
      const { weights, gradients, momentum } = values;
      const triples = triplesOf('classic');
      reference(weights, gradients, momentum, [rows, columns], CLIP_SCALE, rates, triples);
      const found = await bench.read(tensors[i]!.momentum);
      expectClose(found, momentum, { rtol: 1e-6, atol: 2e-7 });
      const moved = await bench.read(tensors[i]!.weights);
      expect(relativeError(moved, weights, before)).toBeLessThan(3e-6);
    }
  });

  it('makes the rows of a wide matrix nearly orthonormal', async () => {
    const shape = { rows: 4, columns: 16, count: 1 };
    const values = start(shape);
    const { bench, tensors } = record(values, shape, [0, 1, 0, 0]);
    await bench.run();
    const after = await bench.read(tensors.weights);
    const x = values.weights.map(
      (w, i) => (w * (1 - RATES.lr * RATES.weightDecay) - after[i]!) / RATES.lr,
    );
    for (let r = 0; r < 4; r++) {
      const row = x.subarray(16 * r, 16 * (r + 1));
      const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
      // The classic triple leaves singular values between about 0.7 and 1.2.
      expect(length).toBeGreaterThan(0.65);
      expect(length).toBeLessThan(1.25);
    }
  });

  it('decays a matrix without gradient and momentum, and moves it no further', async () => {
    const shape = { rows: 4, columns: 3, count: 2 };
    const values = start(shape);
    values.gradients.fill(0, 0, 12);
    values.momentum.fill(0, 0, 12);
    const { bench, tensors } = record(values, shape, [0, 1, 0, 0]);
    await bench.run();
    const decayed = values.weights.subarray(0, 12).map((w) => w * 0.875);
    expectClose((await bench.read(tensors.weights)).slice(0, 12), decayed, { rtol: 2e-7, atol: 0 });
  });

  it('leaves weights and momentum untouched while the run is halted', async () => {
    const shape = { rows: 5, columns: 6, count: 2 };
    const values = start(shape);
    values.gradients.fill(Number.NaN);
    const { bench, tensors } = record(values, shape, [Number.NaN, 0, 1, 0]);
    await bench.run();
    for (const name of ['weights', 'momentum'] as const)
      expect([...(await bench.read(tensors[name]))]).toEqual([...values[name]]);
  });

  it('names the tensor whose shape is wrong', () => {
    const shape = { rows: 2, columns: 4, count: 2 };
    const values = { ...start(shape), momentum: noise(15, 1) };
    expect(() => record(values, shape, [])).toThrow('muon momentum: want [16], got [15]');
  });
});
