import { describe, expect, it } from 'vitest';
import { dispatch } from '@/engine/ops/dispatch';
import { type Axis, mxfp8, mxfp8Rows } from '@/engine/ops/mxfp8';
import { dispatch as sorting } from '../reference/dispatch';
import { permuted } from '../reference/groupedMatmul';
import {
  e4m3Numbers,
  mxfp8Block,
  mxfp8 as reference,
  mxfp8Rows as referenceRows,
} from '../reference/mxfp8';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

async function rounded(x: ArrayLike<number>, axis: Axis): Promise<Float32Array> {
  const bench = lab.bench();
  const y = mxfp8(bench.tape, bench.tensor([x.length], x), axis);
  bench.tape.keep(y);
  await bench.run();
  return (await bench.read(y)) as Float32Array;
}

/** Compares bit by bit, but for the bits of NaN; a failure names the element. */
function expectSame(
  got: Float32Array,
  want: ArrayLike<number>,
  from: ArrayLike<number> = want,
): void {
  expect(got.length).toBe(want.length);
  const wrong = [...got.keys()].filter((i) => !Object.is(got[i], Math.fround(want[i]!)));
  const first = wrong[0] ?? 0;
  const message = `${wrong.length} wrong; [${first}] ${from[first]} became ${got[first]}, want ${want[first]}`;
  expect(wrong.length, message).toBe(0);
}

/** Each block, filled up with zeros to 32 elements, one behind the other. */
const lined = (blocks: readonly (readonly number[])[]): Float64Array =>
  Float64Array.from(
    blocks.flatMap((block) => [...block, ...new Array<number>(32 - block.length).fill(0)]),
    Math.fround,
  );

async function expectBlocks(blocks: readonly (readonly number[])[]): Promise<void> {
  const x = lined(blocks);
  const axis = { outer: blocks.length, length: 32, inner: 1 };
  expectSame(await rounded(x, axis), reference(x, axis), x);
}

/** The next float32 away from 0, or towards it. */
function neighbour(x: number, step: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  return new Float32Array(Uint32Array.of(bits[0]! + step).buffer)[0]!;
}

describe('mxfp8', () => {
  it('leaves every number that E4M3 has, at small, usual and huge scales', async () => {
    const scales = [2 ** -127, 2 ** -100, 2 ** -8, 1, 2 ** 60, 2 ** 119];
    // 448 sets the scale of each block.
    const blocks = scales.flatMap((scale) =>
      e4m3Numbers.map((number) => [448 * scale, number * scale, -number * scale]),
    );
    const x = lined(blocks);
    expectSame(await rounded(x, { outer: blocks.length, length: 32, inner: 1 }), x);
  });

  it('rounds halves to even codes and their neighbours to the nearer number', async () => {
    const halves = e4m3Numbers.slice(1).map((number, i) => (number + e4m3Numbers[i]!) / 2);
    for (const scale of [1, 2 ** -127, 2 ** 119]) {
      await expectBlocks(
        halves.map((half) => {
          const at = Math.fround(half * scale);
          const around = [at, neighbour(at, 1), neighbour(at, -1)];
          return [448 * scale, ...around, ...around.map((value) => -value)];
        }),
      );
    }
  });

  it('takes the scale from the largest size, whatever its sign, and saturates at 448 times it', async () => {
    await expectBlocks([
      [448, 1],
      [-449, 1],
      [463.9, 464, 464.1, -500],
      [511.99, 480, 3],
      [512, 511, 3],
      [-3.4028234663852886e38, 3e38, 1e36, 1e30],
    ]);
    expect(mxfp8Block([511.99, -480])).toEqual([448, -448]); // 480 is not a number of E4M3
    expect(mxfp8Block([512, 511])).toEqual([512, 512]);
  });

  it('keeps zeros and their sign, and subnormal float32 numbers to the last scale', async () => {
    const [least, normal] = [2 ** -149, 2 ** -126];
    await expectBlocks([
      [0, -0, 0],
      [least, -least, 5 * least],
      [normal, normal / 2, normal / 1024, -3 * least, 2 ** -136, 2 ** -137, 1.5 * 2 ** -137],
      [2 ** -119, 2 ** -128, 2 ** -136, 2 ** -137],
      [2 ** -118, 2 ** -127, 2 ** -136, 1.5 * 2 ** -136],
      [1, -(2 ** -20), 2 ** -17, 2 ** -18, -1.5 * 2 ** -18, 1e-30, -1e-40],
    ]);
  });

  it('makes a whole block NaN where one number is not finite, and no other block', async () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    const blocks = [[1, 2], [nan, 1, 2], [3, -infinity], [infinity, 0], [4]];
    const got = await rounded(lined(blocks), { outer: 5, length: 32, inner: 1 });
    const bad = [...got.keys()].filter((i) => Number.isNaN(got[i]!));
    expect(bad).toEqual(Array.from({ length: 96 }, (_, i) => 32 + i));
    expect([got[0], got[1], got[128]]).toEqual([1, 2, 4]);
  });

  it('equals the list of numbers on random bits of every exponent', async () => {
    const bits = noise(64 * 1024, 3, 2 ** 30).map((value) => Math.abs(Math.round(value)) * 2);
    // Exponents drawn near each other block by block, so that all cases of rounding are met.
    const x = new Float32Array(
      Uint32Array.from(bits, (value, i) => {
        const around = (Math.floor(i / 32) * 37) % 255;
        const exponent = Math.min(254, Math.max(0, around - (value % 23)));
        return ((i % 2) * 0x8000_0000 + exponent * 0x80_0000 + ((value >>> 7) & 0x7f_ffff)) >>> 0;
      }).buffer,
    );
    const axis = { outer: x.length / 32, length: 32, inner: 1 };
    expectSame(await rounded(x, axis), reference(Float64Array.from(x), axis), x);
  });

  // one element; a short last block; blocks down the columns; both, several matrices
  it.each([
    { outer: 1, length: 1, inner: 1 },
    { outer: 3, length: 33, inner: 1 },
    { outer: 1, length: 70, inner: 5 },
    { outer: 3, length: 40, inner: 7 },
    { outer: 2, length: 64, inner: 64 },
  ])('blocks follow the axis: %o', async (axis) => {
    const x = noise(axis.outer * axis.length * axis.inner, 5, 3).map((v) => Math.fround(v ** 5));
    expectSame(await rounded(x, axis), reference(x, axis), x);
  });

  it('covers more blocks than one row of workgroups', async () => {
    const length = 65_536 * 64 + 3;
    const got = await rounded(new Float32Array(length).fill(0.3), {
      outer: length,
      length: 1,
      inner: 1,
    });
    expect(got.every((value) => value === 0.3125)).toBe(true);
  });

  // an idle expert; segments longer than a block; one expert
  it.each([
    { T: 11, K: 3, E: 5, D: 7, pick: (r: number) => (r * r) % 4 },
    { T: 60, K: 2, E: 4, D: 4, pick: (r: number) => (r % 3 === 0 ? 0 : 2) },
    { T: 70, K: 1, E: 1, D: 3, pick: () => 0 },
  ])('blocks follow the rows of each expert: T=$T K=$K E=$E', async ({ T, K, E, D, pick }) => {
    const selected = Uint32Array.from({ length: T * K }, (_, r) => pick(r));
    const { source, counts } = sorting(selected, E);
    const tokens = noise(T * D, 7, 3).map((v) => Math.fround(v ** 5));
    const choices = Float64Array.from(
      { length: T * K * D },
      (_, i) => tokens[Math.floor(i / D / K) * D + (i % D)]!,
    );
    const sorted = permuted(choices, source, D);
    const bench = lab.bench();
    const ids = bench.tensor([T, K], selected, 'u32');
    const dispatched = dispatch(bench.tape, ids, bench.tensor([1, E], [], 'u32'), 0);
    const gathered = mxfp8Rows(bench.tape, bench.tensor([T, D], tokens), dispatched, true);
    const own = mxfp8Rows(bench.tape, bench.tensor([T * K, D], sorted), dispatched, false);
    for (const y of [gathered, own]) bench.tape.keep(y);
    await bench.run();
    const want = referenceRows(sorted, counts, D);
    expectSame((await bench.read(gathered)) as Float32Array, want, sorted);
    expectSame((await bench.read(own)) as Float32Array, want, sorted);
  });

  it('refuses an axis that does not fit', () => {
    const bench = lab.bench();
    const call = () =>
      mxfp8(bench.tape, bench.tensor([2, 3], []), { outer: 2, length: 4, inner: 1 });
    expect(call).toThrow('mxfp8 x: want [8], got [6]');
  });
});
