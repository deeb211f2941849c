import { expect, it } from 'vitest';
import { dispatch } from '@/engine/ops/dispatch';
import { gatherSum } from '@/engine/ops/gatherSum';
import { openLab } from '../support/lab';

const lab = openLab();

it('adds the rows of a token up from wherever they were sorted to', async () => {
  const bench = lab.bench();
  // rows: token 0 -> experts 2, 0; token 1 -> experts 0, 1; sorted: (0,1) (1,0) (1,1) (0,0)
  const selected = bench.tensor([2, 2], [2, 0, 0, 1], 'u32');
  const dispatched = dispatch(bench.tape, selected, bench.tensor([1, 3], [], 'u32'), 0);
  const rows = bench.tensor([4, 2], [1, 10, 2, 20, 4, 40, 8, 80]);
  const fresh = bench.tensor([2, 2], [5, 5, 5, 5]);
  const added = bench.tensor([2, 2], [5, 5, 5, 5]);
  gatherSum(bench.tape, rows, dispatched, { tensor: fresh, add: 0 });
  gatherSum(bench.tape, rows, dispatched, { tensor: added, add: 1 });
  await bench.run();
  expect([...(await bench.read(fresh))]).toEqual([9, 90, 6, 60]);
  expect([...(await bench.read(added))]).toEqual([14, 95, 11, 65]);
});
