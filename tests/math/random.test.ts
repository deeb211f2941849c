import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random, type RandomState } from '@/engine/math/random';

const draw = (random: Random, count: number) =>
  Array.from({ length: count }, () => random.uint32());

test('follows xoshiro128** word for word', () => {
  // The recurrence written once more, in BigInt, so that no 32-bit trick is shared.
  const mask = 0xffff_ffffn;
  const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (32n - bits))) & mask;
  const words = [1n, 2n, 3n, 4n] as [bigint, bigint, bigint, bigint];
  const reference = () => {
    const result = (rotate((words[1] * 5n) & mask, 7n) * 9n) & mask;
    const shifted = (words[1] << 9n) & mask;
    words[2] ^= words[0];
    words[3] ^= words[1];
    words[1] ^= words[2];
    words[0] ^= words[3];
    words[2] ^= shifted;
    words[3] = rotate(words[3], 11n);
    return Number(result);
  };
  const random = Random.fromState([1, 2, 3, 4]);
  expect(draw(random, 1000)).toEqual(Array.from({ length: 1000 }, reference));
});

test('goes on from a state that went through JSON', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(100), (seed, skipped) => {
      const random = Random.seeded(seed);
      draw(random, skipped);
      const state = JSON.parse(JSON.stringify(random.state())) as RandomState;
      expect(draw(Random.fromState(state), 20)).toEqual(draw(random, 20));
    }),
  );
});

test('refuses a state that is none', () => {
  expect(() => Random.fromState([0, 0, 0, 0])).toThrow('four 32-bit words');
  expect(() => Random.fromState([1, 2, 3, -1])).toThrow('four 32-bit words');
  expect(() => Random.fromState([1.5, 2, 3, 4])).toThrow('four 32-bit words');
});

test('splits by label without moving, and to different streams', () => {
  const random = Random.seeded(7);
  const before = random.state();
  const first = draw(random.split('novel', 3), 8);
  expect(random.state()).toEqual(before);
  expect(draw(random.split('novel', 3), 8)).toEqual(first);
  const others = [
    random.split('novel', 4),
    random.split('novel', '3'),
    random.split('novel'),
    random.split(3, 'novel'),
    Random.seeded(8).split('novel', 3),
    Random.seeded(7),
  ];
  const streams = others.map((other) => draw(other, 8).join());
  expect(new Set([...streams, first.join()]).size).toBe(others.length + 1);
});

test('neighbouring seeds share no first word', () => {
  const firsts = Array.from({ length: 10_000 }, (_, seed) => Random.seeded(seed).uint32());
  // Chance collisions among 10 000 of 2^32: about 0.012 pairs.
  expect(new Set(firsts).size).toBeGreaterThanOrEqual(9_999);
});

test('draws every number below a count about equally often', () => {
  const random = Random.seeded(1);
  for (const count of [1, 2, 3, 7, 10, 255]) {
    const seen = new Array<number>(count).fill(0);
    const draws = count * 1000;
    for (let index = 0; index < draws; index++) seen[random.below(count)]!++;
    const chiSquare = seen.reduce((sum, times) => sum + (times - 1000) ** 2 / 1000, 0);
    // Mean count − 1, standard deviation √(2 (count − 1)); five of them never in practice.
    expect(chiSquare).toBeLessThanOrEqual(count - 1 + 5 * Math.sqrt(2 * (count - 1)));
  }
});

test('stays unbiased where the count does not divide 2^32', () => {
  // Without rejection the lower third would come up twice as often as the rest.
  const random = Random.seeded(2);
  const count = 3 * 2 ** 30;
  const draws = 30_000;
  let low = 0;
  for (let index = 0; index < draws; index++) if (random.below(count) < 2 ** 30) low++;
  expect(Math.abs(low / draws - 1 / 3)).toBeLessThan(0.015);
});

test('stays inside its ranges', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff_ffff),
      fc.integer({ min: -50, max: 50 }),
      fc.nat(50),
      (seed, first, width) => {
        const random = Random.seeded(seed);
        const drawn = random.between(first, first + width);
        expect(drawn).toBeGreaterThanOrEqual(first);
        expect(drawn).toBeLessThanOrEqual(first + width);
        const unit = random.unit();
        expect(unit >= 0 && unit < 1).toBe(true);
      },
    ),
  );
});

test('shuffles to every order of three equally often, and keeps every item', () => {
  const random = Random.seeded(3);
  const orders = new Map<string, number>();
  for (let index = 0; index < 6000; index++) {
    const items = new Uint32Array([1, 2, 3]);
    random.shuffle(items);
    orders.set(items.join(), (orders.get(items.join()) ?? 0) + 1);
  }
  expect(orders.size).toBe(6);
  for (const times of orders.values()) expect(Math.abs(times - 1000)).toBeLessThan(150);
});
