import { describe, expect, it } from 'vitest';
import { balancerKinds, loadBalance, loadBalanceLive } from '@/engine/ops/loadBalance';
import { signRule, smebu } from '../reference/loadBalance';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

type Kind = keyof typeof balancerKinds;

const PAPER = { gamma: 1e-3, recentre: 1, lambda: 5e-4, beta: 0.5, kappa: 2 };
const lab = openLab();

interface Start {
  readonly counts: readonly number[];
  readonly bias?: ArrayLike<number>;
  readonly momentum?: ArrayLike<number>;
  readonly clip?: readonly number[];
}

/** One or more updates with the same counts. */
async function balanced(
  kind: Kind,
  [L, E]: readonly [number, number],
  { counts, bias = [], momentum = [], clip = [0, 1, 0, 0] }: Start,
  constants = PAPER,
  steps = 1,
) {
  const bench = lab.bench();
  const live = bench.live.block('balance', loadBalanceLive);
  live.set({ kind: balancerKinds[kind], ...constants });
  const tensors = {
    counts_LE: bench.tensor([L, E], counts, 'u32'),
    bias_LE: bench.tensor([L, E], bias),
    momentum_LE: bench.tensor([L, E], momentum),
    update_LE: bench.tensor([L, E], new Float32Array(L * E).fill(Number.NaN)),
    clip: bench.tensor([4], clip),
  };
  loadBalance(bench.tape, tensors, live);
  const program = await bench.run();
  for (let step = 1; step < steps; step++) program.run();
  return {
    bias: await bench.read(tensors.bias_LE),
    momentum: await bench.read(tensors.momentum_LE),
    update: await bench.read(tensors.update_LE),
  };
}

/** Uneven loads, some experts without a token. */
const loads = (length: number, seed: number): number[] =>
  [...noise(length, seed, 50)].map((value) => Math.max(0, Math.round(value)));

const layers = <T>(values: ArrayLike<T>, L: number, E: number): T[][] =>
  Array.from({ length: L }, (_, l) => Array.from(values).slice(l * E, (l + 1) * E));

describe('loadBalance', () => {
  const tight = { rtol: 1e-6, atol: 1e-10 };

  it('gives the worked SMEBU numbers for loads 10, 20, 30, 40', async () => {
    const counts = [10, 20, 30, 40];
    const first = await balanced('smebu', [1, 4], { counts });
    expectClose(first.bias, [2.084137e-4, 9.498724e-5, -9.498724e-5, -2.084137e-4], tight);
    const second = await balanced('smebu', [1, 4], { counts }, PAPER, 2);
    const momentum = [3.126205e-4, 1.424809e-4, -1.424809e-4, -3.126205e-4];
    expectClose(second.momentum, momentum, tight);
    expectClose(second.bias, [5.210341e-4, 2.374681e-4, -2.374681e-4, -5.210341e-4], tight);
    expect(second.update).toEqual(second.momentum);
  });

  it('gives the worked numbers for one expert that takes all', async () => {
    const counts = [0, 0, 0, 100];
    const smebuOnce = await balanced('smebu', [1, 4], { counts });
    expectClose(smebuOnce.bias, [1.22751e-4, 1.22751e-4, 1.22751e-4, -3.682529e-4], tight);
    const smebuTwice = await balanced('smebu', [1, 4], { counts }, PAPER, 2);
    expectClose(smebuTwice.bias, [3.068774e-4, 3.068774e-4, 3.068774e-4, -9.206322e-4], tight);
    const sign = await balanced('sign', [1, 4], { counts });
    expectClose(sign.bias, [5e-4, 5e-4, 5e-4, -1.5e-3], tight);
    const plain = await balanced('sign', [1, 4], { counts }, { ...PAPER, recentre: 0 });
    expectClose(plain.bias, [1e-3, 1e-3, 1e-3, -1e-3], tight);
  });

  // one expert; one layer; more experts than threads; every thread with several
  const shapes: [number, number][] = [
    [1, 1],
    [1, 5],
    [3, 65],
    [4, 130],
    [2, 512],
  ];

  const bothWays = shapes.flatMap(([L, E]) => [
    { L, E, recentre: 1 },
    { L, E, recentre: 0 },
  ]);

  it.each(bothWays)(
    'sign equals the float64 reference: $L x $E, centred $recentre',
    async (shape) => {
      const { L, E, recentre } = shape;
      const counts = loads(L * E, E);
      const bias = noise(L * E, 2, 0.5).map((b) => b + 0.25); // not centred: the rule centres it
      const constants = { ...PAPER, gamma: 0.25, recentre };
      const momentum = noise(L * E, 3);
      const got = await balanced('sign', [L, E], { counts, bias, momentum }, constants);
      const biases = layers(bias, L, E);
      const want = layers(counts, L, E).flatMap((n, l) =>
        signRule(n, biases[l]!, constants.gamma, recentre === 1),
      );
      expectClose(got.bias, want, { rtol: 2e-6, atol: 5e-7 });
      const update = want.map((b, i) => b - bias[i]!);
      expectClose(got.update, update, { rtol: 2e-6, atol: 5e-7 });
      expect([...got.momentum]).toEqual([...momentum]);
    },
  );

  it.each(shapes)('smebu equals the float64 reference, L=%i E=%i', async (L, E) => {
    const counts = loads(L * E, E);
    const bias = noise(L * E, 2);
    const momentum = noise(L * E, 3, 0.5);
    // recentre is the sign rule's alone: smebu centres its steps in any case
    const constants = { gamma: 9, recentre: 0, lambda: 0.5, beta: 0.75, kappa: 0.5 };
    const got = await balanced('smebu', [L, E], { counts, bias, momentum }, constants);
    const [biases, momenta] = [layers(bias, L, E), layers(momentum, L, E)];
    const want = layers(counts, L, E).map((n, l) => smebu(n, biases[l]!, momenta[l]!, constants));
    const tolerance = { rtol: 2e-6, atol: 5e-7 };
    expectClose(
      got.bias,
      want.flatMap((layer) => layer.bias),
      tolerance,
    );
    expectClose(
      got.momentum,
      want.flatMap((layer) => layer.momentum),
      tolerance,
    );
    expect(got.update).toEqual(got.momentum);
  });

  it('asks for nothing at equal load, also where counts pass the whole numbers of float32', async () => {
    for (const count of [0, 7, 2 ** 26 + 1]) {
      const counts = [count, count, count];
      for (const kind of ['sign', 'smebu'] as const) {
        const { bias } = await balanced(kind, [1, 3], { counts });
        expect([...bias], `${kind} ${count}`).toEqual([0, 0, 0]);
      }
    }
    const nearly = { counts: [2 ** 26, 2 ** 26 + 1, 2 ** 26 - 1] };
    const { bias } = await balanced('sign', [1, 3], nearly);
    expectClose(bias, [0, -1e-3, 1e-3], { rtol: 1e-6, atol: 1e-10 });
  });

  it('stays bounded where the clamp is steep and the collapse complete', async () => {
    const counts = [...new Array<number>(511).fill(0), 1_000_000];
    const constants = { ...PAPER, kappa: 100 };
    const { bias } = await balanced('smebu', [1, 512], { counts }, constants);
    const zeros = new Array<number>(512).fill(0);
    const want = smebu(counts, zeros, zeros, constants).bias;
    expectClose(bias, want, { rtol: 2e-5, atol: 1e-10 }); // 5e-4 minus a mean close to it
  });

  it('none keeps bias and momentum, and tells an update of 0', async () => {
    const start = { counts: [9, 1, 2], bias: [0.5, 0.25, -0.125], momentum: [1, 2, 3] };
    const { bias, momentum, update } = await balanced('none', [1, 3], start);
    expect([...bias]).toEqual(start.bias);
    expect([...momentum]).toEqual(start.momentum);
    expect([...update]).toEqual([0, 0, 0]);
  });

  it('writes nothing while the run is halted', async () => {
    const bias = [0.5, 0.25, -0.125];
    for (const kind of ['none', 'sign', 'smebu'] as const) {
      const start = { counts: [9, 1, 2], bias, momentum: [1, 2, 3], clip: [0, 0, 1, 0] };
      const got = await balanced(kind, [1, 3], start);
      expect([...got.bias]).toEqual(bias);
      expect([...got.momentum]).toEqual([1, 2, 3]);
      expect([...got.update].every(Number.isNaN)).toBe(true);
    }
  });

  it('names the tensor whose shape is wrong', async () => {
    const bench = lab.bench();
    const live = bench.live.block('balance', loadBalanceLive);
    const tensors = {
      counts_LE: bench.tensor([2, 3], [], 'u32'),
      bias_LE: bench.tensor([2, 3], []),
      momentum_LE: bench.tensor([3, 2], []),
      update_LE: bench.tensor([2, 3], []),
      clip: bench.tensor([4], []),
    };
    expect(() => loadBalance(bench.tape, tensors, live)).toThrow(
      'loadBalance momentum_LE: want [2, 3], got [3, 2]',
    );
  });
});
