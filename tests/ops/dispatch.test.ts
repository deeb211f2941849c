import { describe, expect, it } from 'vitest';
import { dispatch } from '@/engine/ops/dispatch';
import { dispatch as reference } from '../reference/dispatch';
import { openLab } from '../support/lab';

const lab = openLab();

describe('dispatch', () => {
  // one row; all to one expert; experts with nothing; several tiles of 256 with an uneven end; many experts
  it.each([
    { T: 1, K: 1, E: 1, pick: () => 0 },
    { T: 40, K: 2, E: 5, pick: () => 3 },
    { T: 333, K: 3, E: 7, pick: (r: number) => (r * r + 2 * r) % 6 },
    { T: 129, K: 2, E: 200, pick: (r: number) => (r * 37) % 200 },
  ])('sorts rows by expert, stably, and drops none: T=$T K=$K E=$E', async ({ T, K, E, pick }) => {
    const selected = Uint32Array.from({ length: T * K }, (_, r) => pick(r));
    const bench = lab.bench();
    const counts_LE = bench.tensor([2, E], new Float64Array(2 * E).fill(77), 'u32');
    const result = dispatch(bench.tape, bench.tensor([T, K], selected, 'u32'), counts_LE, 1);
    for (const tensor of [result.segments, result.sorted_R, result.source_R])
      bench.tape.keep(tensor);
    await bench.run();
    const want = reference(selected, E);
    expect([...(await bench.read(result.source_R))]).toEqual(want.source);
    expect([...(await bench.read(result.sorted_R))]).toEqual(want.sorted);
    const counts = [...(await bench.read(counts_LE))];
    expect(counts).toEqual([...new Array(E).fill(77), ...want.counts]);
    let rows = 0;
    let blocks = 0;
    const segments = [...(await bench.read(result.segments))];
    for (let e = 0; e <= E; e++) {
      expect([segments[e], segments[E + 1 + e]]).toEqual([rows, blocks]);
      rows += want.counts[e] ?? 0;
      blocks += Math.ceil((want.counts[e] ?? 0) / 32);
    }
  });
});
