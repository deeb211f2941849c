import { describe, expect, it } from 'vitest';
import { notFinite } from '@/engine/ops/notFinite';
import { notFinite as reference } from '../reference/notFinite';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

async function counted(x: Float32Array): Promise<number | undefined> {
  const bench = lab.bench();
  const flag = bench.tensor([1], [99], 'u32');
  notFinite(bench.tape, bench.tensor([x.length], x), flag);
  await bench.run();
  return (await bench.read(flag))[0];
}

describe('notFinite', () => {
  // one element; off the workgroup grid; more than 256 workgroups hold at once
  it.each([1, 257, 5000, 300_001])('counts every infinity and NaN, N=%i', async (N) => {
    const x = Float32Array.from(noise(N, 1));
    expect(await counted(x)).toBe(0);
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < N; i += 11) x[i] = bad[i % 3]!;
    x[N - 1] = Number.NaN;
    expect(await counted(x)).toBe(reference(x));
  });

  it('takes the largest, the smallest and the subnormal numbers for finite', async () => {
    expect(await counted(Float32Array.of(3.4028235e38, -3.4028235e38, 1e-45, -0))).toBe(0);
  });

  it('names the tensor whose shape is wrong', () => {
    const bench = lab.bench();
    const call = () => notFinite(bench.tape, bench.tensor([4], []), bench.tensor([2], [], 'u32'));
    expect(call).toThrow('notFinite flag: want [1], got [2]');
  });
});
