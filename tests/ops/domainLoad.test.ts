import { expect, it } from 'vitest';
import { dispatch } from '@/engine/ops/dispatch';
import { domainLoad } from '@/engine/ops/domainLoad';
import { openLab } from '../support/lab';

const lab = openLab();

it('adds the rows of every expert by the domain of their token to what is there', async () => {
  const [T, K, E, M] = [101, 2, 5, 3];
  const selected = Uint32Array.from({ length: T * K }, (_, r) => (r * r) % 4);
  const domains = Uint32Array.from({ length: T }, (_, t) => (t * 7) % 3);
  const bench = lab.bench();
  const dispatched = dispatch(
    bench.tape,
    bench.tensor([T, K], selected, 'u32'),
    bench.tensor([1, E], [], 'u32'),
    0,
  );
  const counts = bench.tensor([2, M, E], new Uint32Array(2 * M * E).fill(9), 'u32');
  domainLoad(bench.tape, dispatched, bench.tensor([T], domains, 'u32'), counts, 1);
  await bench.run();
  const want = new Array<number>(M * E).fill(0);
  selected.forEach((e, r) => {
    want[domains[Math.floor(r / K)]! * E + e]!++;
  });
  expect([...(await bench.read(counts))]).toEqual([
    ...new Array(M * E).fill(9),
    ...want.map((rows) => rows + 9),
  ]);
});
