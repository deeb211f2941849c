import { describe, expect, it } from 'vitest';
import { gradientNorm, gradientNormLive } from '@/engine/ops/gradientNorm';
import { gradientNorm as reference } from '../reference/gradientNorm';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

/** What the kernel makes of these gradients, from a clip tensor that holds `before`. */
async function measured(
  gradients: readonly Float64Array[],
  limit: number,
  before = [Number.NaN, Number.NaN, 0, 0],
) {
  const bench = lab.bench();
  const live = bench.live.block('clip', gradientNormLive);
  live.set({ limit });
  const tensors = gradients.map((values) => bench.tensor([values.length], values));
  const clip = bench.tensor([4], before);
  gradientNorm(bench.tape, { gradients: tensors, clip }, live);
  const program = await bench.run();
  return { bench, program, tensors, clip, values: await bench.read(clip) };
}

describe('gradientNorm', () => {
  it.each([
    ['one element', [1]],
    ['off the workgroup grid', [1025, 3, 257]],
    ['more than 256 workgroups hold at once', [300_001]],
    ['fours in several workgroups, and others', [36_864, 3, 8, 40_004]],
    ['more tensors than the second stage has threads', new Array<number>(300).fill(5)],
  ])('equals the float64 reference: %s', async (_, lengths) => {
    const gradients = lengths.map((length, i) => noise(length, i + 1, 3));
    for (const limit of [0, 0.5, 1e6]) {
      const { norm, scale } = reference(gradients, limit);
      const { values } = await measured(gradients, limit);
      expectClose(values.slice(0, 2), [norm, scale], { rtol: 3e-6, atol: 0 });
      expect(values[2]).toBe(0);
    }
  });

  it('adds the 1e-6 of the convention to the norm', async () => {
    const { values } = await measured([Float64Array.of(3e-6, 4e-6)], 2e-6);
    expectClose(values.slice(0, 2), [5e-6, 2 / 6], { rtol: 1e-6, atol: 0 });
  });

  it('leaves a gradient of zeros alone', async () => {
    const { values } = await measured([new Float64Array(70)], 1);
    expect([...values.slice(0, 3)]).toEqual([0, 1, 0]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e19])(
    'halts the run where a gradient holds %d',
    async (bad) => {
      const gradient = noise(2000, 5);
      gradient[1999] = bad;
      const { values } = await measured([noise(100, 4), gradient], 1);
      expect([...values.slice(1, 3)]).toEqual([0, 1]);
    },
  );

  it('stays halted until the host clears it', async () => {
    const { bench, program, tensors, clip, values } = await measured(
      [noise(9, 1)],
      1,
      [0, 0, 1, 0],
    );
    expect(values[0]).toBeGreaterThan(0); // still measured
    expect([...values.slice(1, 3)]).toEqual([0, 1]);
    bench.write(clip, new Float32Array(4));
    bench.write(tensors[0]!, new Float32Array(9).fill(0.1));
    program.run();
    expectClose((await bench.read(clip)).slice(0, 3), [0.3, 1, 0], {
      rtol: 1e-6,
      atol: 1e-12,
    });
  });

  it('gives the same bits every time', async () => {
    const first = await measured([noise(77_777, 1)], 1);
    const second = await measured([noise(77_777, 1)], 1);
    expect(second.values).toEqual(first.values);
  });

  it('names the tensor whose shape is wrong', () => {
    const bench = lab.bench();
    const live = bench.live.block('clip', gradientNormLive);
    const tensors = { gradients: [bench.tensor([2], [])], clip: bench.tensor([3], []) };
    expect(() => gradientNorm(bench.tape, tensors, live)).toThrow(
      'gradientNorm clip: want [4], got [3]',
    );
  });
});
