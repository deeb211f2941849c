import { describe, expect, it } from 'vitest';
import { recycleLive } from '@/engine/ops/recycle';
import { router, routerLive } from '@/engine/ops/router';
import { type RouterShape, scores, select } from '../reference/router';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';
import { routingRecord } from '../support/routing';

const lab = openLab();

interface Case {
  readonly T: number;
  readonly E: number;
  readonly capacity: number;
  readonly isRecycled?: boolean;
  readonly isNormalised?: boolean;
  readonly seed?: number;
  readonly step?: number;
  readonly microBatch?: number;
}

/** Logits that crowd the first experts. */
const crowded = (T: number, E: number) => noise(T * E, 4, 1).map((v, i) => v + 2 / (1 + (i % E)));

async function run(options: Case) {
  const { T, E, capacity, isRecycled = true, isNormalised = false } = options;
  const shape: RouterShape = {
    ...{ T, E, K: 1, S: T, routeScale: 1.5 },
    ...({ scoring: 'softmax', isNormalised } as const),
  };
  const logits = crowded(T, E);
  const bench = lab.bench();
  const live = bench.live.block('router', routerLive);
  live.set({ alpha: 0, switchWeight: 0.3, isForced: 0 });
  const draw = bench.live.block('recycle', recycleLive);
  draw.set({
    seed: options.seed ?? 7,
    step: options.step ?? 3,
    microBatch: options.microBatch ?? 0,
  });
  const logitsAt = bench.parameter([T, E], logits, 0);
  const record = routingRecord(bench, 1, 1, E);
  const overflow_L = bench.tensor([1], [99], 'u32');
  const routed = router(bench.tape, logitsAt.value, {
    ...shape,
    bias_LE: bench.tensor([1, E], new Array(E).fill(0)),
    record,
    row: 0,
    expertsPerToken: 1,
    sequenceLength: T,
    live,
    capacity: {
      capacity,
      isRecycled,
      overflow_L,
      scratch_1E: bench.tensor([1, E], new Array(E).fill(0), 'u32'),
      live: draw,
    },
  });
  for (const tensor of [routed.chosen_TK, routed.selected_TK, routed.gates_TK])
    bench.tape.keep(tensor);
  const dgates = noise(T, 6);
  bench.seedGradient(routed.gates_TK, dgates);
  bench.tape.backward();
  await bench.run();
  const read = async (tensor: Parameters<typeof bench.read>[0]) => [...(await bench.read(tensor))];
  const s = scores(logits, shape);
  return {
    shape,
    logits,
    dgates,
    s,
    chosen: select(s, new Float64Array(E), shape),
    gotChosen: await read(routed.chosen_TK),
    selected: await read(routed.selected_TK),
    gates: await read(routed.gates_TK),
    counts: await read(record.counts_LE),
    overflow: (await read(overflow_L))[0]!,
    dlogits: await read(logitsAt.gradient),
  };
}

/** Tokens without room and free places, by the rule in words. */
function expected(chosen: readonly number[], E: number, capacity: number) {
  const used = new Array<number>(E).fill(0);
  const over = chosen.map((e) => ++used[e]! > capacity);
  const free = used.map((n) => capacity - Math.min(n, capacity));
  return { over, free };
}

const cases: Case[] = [
  { T: 40, E: 4, capacity: 10 }, // as many places as tokens
  { T: 200, E: 16, capacity: 16 }, // more than one tile of tokens
  { T: 30, E: 3, capacity: 8 }, // fewer places than tokens
  { T: 9, E: 1, capacity: 8 }, // nowhere to go
  { T: 64, E: 8, capacity: 64 }, // room for all
];

describe('recycle', () => {
  it.each(cases)(
    'fills no expert beyond its capacity and loses only what has no place: %o',
    async (c) => {
      const { shape, s, chosen, gotChosen, selected, gates, counts, overflow } = await run(c);
      const { over, free } = expected(chosen, c.E, c.capacity);
      expect(gotChosen).toEqual(chosen);
      expect(counts).toEqual(
        Array.from({ length: c.E }, (_, e) => chosen.filter((x) => x === e).length),
      );
      expect(overflow).toBe(over.filter(Boolean).length);
      const places = free.reduce((a, b) => a + b, 0);
      let rank = 0;
      const taken = new Array<number>(c.E).fill(0);
      selected.forEach((expert, t) => {
        const isLeft = over[t]! && rank >= places;
        if (over[t]) rank++;
        else expect(expert).toBe(chosen[t]);
        const gate = isLeft ? 0 : shape.routeScale * s[t * c.E + expert]!;
        expect(Math.abs(gates[t]! - gate)).toBeLessThan(1e-6);
        if (!isLeft) taken[expert]!++;
      });
      expect(Math.max(...taken)).toBeLessThanOrEqual(c.capacity);
      expect(taken.reduce((a, b) => a + b, 0)).toBe(Math.min(c.T, c.E * c.capacity));
    },
  );

  it('sends the gradient to the expert that a token went to, none where it went nowhere', async () => {
    for (const isNormalised of [false, true]) {
      const found = await run({ T: 30, E: 3, capacity: 8, isNormalised });
      const { shape, logits, dgates, selected, gates, chosen, dlogits } = found;
      const { T, E, routeScale } = shape;
      const loss = () => {
        const now = scores(logits, shape);
        let sum = 0;
        selected.forEach((e, t) => {
          const gate = isNormalised ? routeScale : routeScale * now[t * E + e]!;
          if (gates[t] !== 0) sum += dgates[t]! * gate;
        });
        let balance = 0;
        for (let e = 0; e < E; e++) {
          let mean = 0;
          for (let t = 0; t < T; t++) mean += now[t * E + e]! / T;
          balance += (E * mean * chosen.filter((x) => x === e).length) / T;
        }
        return sum + 0.3 * balance;
      };
      expect(gates.filter((g) => g === 0).length).toBe(6);
      expectClose(dlogits, gradient(loss, logits), { rtol: 1e-4, atol: 2e-6 }, 'dlogits');
    }
  });

  it('drops without recycling', async () => {
    const { chosen, selected, gates } = await run({ T: 40, E: 4, capacity: 10, isRecycled: false });
    const { over } = expected(chosen, 4, 10);
    expect(selected).toEqual(chosen);
    expect(gates.map((g) => g === 0)).toEqual(over);
  });

  it('draws anew with seed, step and micro-batch, and the same for the same', async () => {
    const base = { T: 200, E: 16, capacity: 16 };
    const first = (await run(base)).selected;
    expect((await run(base)).selected).toEqual(first);
    for (const other of [{ seed: 8 }, { step: 4 }, { microBatch: 1 }])
      expect((await run({ ...base, ...other })).selected).not.toEqual(first);
  });

  it('draws places evenly: experts get recycled tokens in proportion to their room', async () => {
    // over many draws; 5 standard deviations of a hypergeometric count
    const totals = new Array<number>(8).fill(0);
    let free: number[] = [];
    let moved = 0;
    const draws = 60;
    for (let step = 0; step < draws; step++) {
      const { chosen, selected } = await run({ T: 120, E: 8, capacity: 20, step });
      const found = expected(chosen, 8, 20);
      free = found.free;
      selected.forEach((e, t) => {
        if (!found.over[t]) return;
        totals[e]!++;
        moved++;
      });
    }
    const places = free.reduce((a, b) => a + b, 0);
    totals.forEach((total, e) => {
      const p = free[e]! / places;
      const spread = Math.sqrt(moved * p * (1 - p));
      expect(
        Math.abs(total - moved * p),
        `expert ${e}: ${total} of ${moved}, room ${p}`,
      ).toBeLessThanOrEqual(5 * spread);
    });
  });
});
