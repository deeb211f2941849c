import { describe, it } from 'vitest';
import { embedding, tokenOrder } from '@/engine/ops/embedding';
import { embedding as reference } from '../reference/embedding';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();
const SCALE = 3; // far from 1, so that a kernel that forgets it is caught

describe('embedding', () => {
  // one token; repeated tokens; rows that no token asks for; widths off the workgroup
  it.each([
    [1, 1, 1],
    [23, 9, 67],
    [70, 300, 5],
  ])('equals float64 loops both ways, T=%i V=%i D=%i', async (T, V, D) => {
    const tokens = Uint32Array.from({ length: T }, (_, t) => (t * t + 3) % Math.min(V, 7));
    const table = noise(V * D, 1);
    const dy = noise(T * D, 2);
    const loss = () =>
      reference(tokens, table, D, SCALE).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const bench = lab.bench();
    const tables = bench.parameter([V, D], table);
    const { order, starts } = tokenOrder(tokens, V);
    const sorted = {
      order_T: bench.tensor([T], order, 'u32'),
      starts: bench.tensor([V + 1], starts, 'u32'),
    };
    const y = bench.tape.keep(
      embedding(bench.tape, bench.tensor([T], tokens, 'u32'), tables.value, SCALE, sorted),
    );
    bench.seedGradient(y, dy);
    bench.tape.backward();
    await bench.run();
    expectClose(
      await bench.read(y),
      reference(tokens, table, D, SCALE),
      { rtol: 1e-6, atol: 0 },
      'y',
    );
    const want = gradient(loss, table).map((v) => v + 1);
    expectClose(await bench.read(tables.gradient), want, { rtol: 1e-4, atol: 1e-5 }, 'dtable');
  });
});
