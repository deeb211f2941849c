import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { needleGridShape, needleText } from '@/engine/data/needles';
import { drawRecallRoom, recallDocument, smallestRecallRoom } from '@/engine/data/recall';
import { Random } from '@/engine/math/random';
import { textOf } from './texts';

const pairPattern = /\[([A-Z0-5])([a-z])\]/g;

/** Every `[Kv]` of a text with its place. */
const pairsOf = (text: string) =>
  [...text.matchAll(pairPattern)].map((match) => ({
    key: match[1]!,
    value: match[2]!,
    offset: match.index,
  }));

describe('a recall document', () => {
  const anyDocument = fc.record({
    seed: fc.nat(0xffff_ffff),
    length: fc.integer({ min: smallestRecallRoom - 1, max: 700 }),
    mostPairs: fc.integer({ min: 1, max: 32 }),
  });

  test('gives every key one value, ends with a question, and asks only what it has told', () => {
    fc.assert(
      fc.property(anyDocument, ({ seed, length, mostPairs }) => {
        const tokens = recallDocument(Random.seeded(seed), length, mostPairs);
        expect(tokens.length).toBe(length);
        const text = textOf(tokens);
        const pairs = pairsOf(text);
        expect(text.endsWith(']')).toBe(true);
        const values = new Map<string, string>();
        for (const { key, value } of pairs) {
          expect(values.get(key) ?? value).toBe(value);
          values.set(key, value);
        }
        expect(values.size).toBeLessThanOrEqual(mostPairs);
        const last = pairs.at(-1)!;
        const told = pairs.findIndex(({ key }) => key === last.key);
        expect(told).toBeLessThan(pairs.length - 1);
      }),
    );
  });

  test('hides pairs among words without a bracket or a key in them', () => {
    fc.assert(
      fc.property(anyDocument, ({ seed, length, mostPairs }) => {
        const text = textOf(recallDocument(Random.seeded(seed), length, mostPairs));
        expect(text.replace(pairPattern, '')).toMatch(/^[a-z ]*$/);
      }),
    );
  });

  test('is dense or sparse: from a single question to one after the other', () => {
    const repeats = Array.from({ length: 400 }, (_, seed) => {
      const pairs = pairsOf(textOf(recallDocument(Random.seeded(seed), 127, 4)));
      return pairs.length - new Set(pairs.map(({ key }) => key)).size;
    });
    expect(Math.min(...repeats)).toBe(1);
    expect(Math.max(...repeats)).toBeGreaterThan(12);
    const dense = repeats.filter((count) => count >= 6).length;
    expect(dense).toBeGreaterThan(100);
    expect(dense).toBeLessThan(350);
  });

  test('takes all of the room half of the time, and never leaves too little for another', () => {
    const room = 128;
    let whole = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const taken = drawRecallRoom(Random.seeded(seed), room);
      if (taken === room) whole++;
      else expect(taken).toBeGreaterThanOrEqual(smallestRecallRoom);
      expect(taken === room || room - taken >= smallestRecallRoom).toBe(true);
    }
    expect(Math.abs(whole - 500)).toBeLessThan(80);
  });
});

describe('a needle text', () => {
  const anyNeedle = fc.record({
    length: fc.integer({ min: 32, max: 8192 }),
    depth: fc.double({ min: 0, max: 1, noNaN: true }),
    keys: fc.integer({ min: 1, max: 32 }),
    seed: fc.nat(0xffff_ffff),
    trial: fc.nat(1000),
  });

  test('asks at its end for a pair that it holds once, at the depth that was named', () => {
    fc.assert(
      fc.property(anyNeedle, (request) => {
        const { tokens, answerStart, answerLength, keys } = needleText(request);
        expect(tokens.length).toBe(request.length);
        expect(answerStart + answerLength).toBe(tokens.length);
        const body = request.length - 3;
        const pairs = pairsOf(textOf(tokens.subarray(0, body)));
        expect(pairs.length).toBe(keys);
        expect(new Set(pairs.map(({ key }) => key)).size).toBe(keys);
        const asked = pairs.filter(({ key }) => key === textOf([tokens[body + 1]!]));
        expect(asked.length).toBe(1);
        expect(textOf([tokens[body]!])).toBe('[');
        expect(asked[0]!.value).toBe(textOf(tokens.subarray(answerStart)));
        expect(asked[0]!.offset).toBe(Math.round(request.depth * (body - 4)));
        if (request.keys * 4 + 4 <= body / 2) expect(keys).toBe(request.keys);
      }),
    );
  });

  test('holds as many pairs as fit around the asked one, where more are wanted', () => {
    for (let length = 32; length <= 140; length++) {
      for (const depth of [0, 0.1, 0.5, 0.77, 1]) {
        const { tokens, keys } = needleText({ length, depth, keys: 32, seed: 1, trial: 0 });
        const body = length - 3;
        const asked = Math.round(depth * (body - 4));
        const fit = 1 + Math.floor(asked / 4) + Math.floor((body - asked - 4) / 4);
        expect(keys).toBe(Math.min(32, fit));
        expect(pairsOf(textOf(tokens.subarray(0, body))).length).toBe(keys);
      }
    }
  });

  test('is the same for equal requests, another for every other', () => {
    const request = { length: 128, depth: 0.5, keys: 4, seed: 7, trial: 0 };
    const text = (changes: Partial<typeof request>) =>
      textOf(needleText({ ...request, ...changes }).tokens);
    expect(text({})).toBe(text({}));
    const others = [
      text({ trial: 1 }),
      text({ seed: 8 }),
      text({ depth: 0.25 }),
      text({ keys: 3 }),
      text({ length: 129 }),
    ];
    expect(new Set([...others, text({})]).size).toBe(6);
  });

  test('puts the other pairs before and behind the asked one alike', () => {
    const before = Array.from({ length: 400 }, (_, trial) => {
      const { tokens } = needleText({ length: 256, depth: 0.25, keys: 5, seed: 1, trial });
      return pairsOf(textOf(tokens)).filter(({ offset }) => offset < 62).length;
    });
    const mean = before.reduce((sum, count) => sum + count, 0) / before.length;
    // Four others, a quarter of the room is before: one on average.
    expect(Math.abs(mean - 1)).toBeLessThan(0.2);
  });

  test('every value is asked for about equally often, so chance is one in 26', () => {
    const counts = new Map<number, number>();
    for (let trial = 0; trial < 5200; trial++) {
      const { tokens } = needleText({ length: 32, depth: 0, keys: 1, seed: 3, trial });
      const answer = tokens.at(-1)!;
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    expect(counts.size).toBe(26);
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(75);
  });

  test('is made of what training shows: a sparse document of that length up to its question', () => {
    // The same parts in the same order; only the document's closing bracket is missing.
    const { tokens } = needleText({ length: 126, depth: 0.3, keys: 4, seed: 5, trial: 2 });
    const probe = `${textOf(tokens)}]`.replace(/\[..\]/g, '[##]').replace(/[a-z]+/g, 'w');
    const sparse = Array.from({ length: 4000 }, (_, seed) =>
      textOf(recallDocument(Random.seeded(seed), 127, 4)),
    ).filter((text) => pairsOf(text).length === 5);
    expect(sparse.length).toBeGreaterThan(50);
    const shape = /^( ?(w|\[##\]))+ *\[##\]$/;
    const shapes = sparse.map((text) => text.replace(/\[..\]/g, '[##]').replace(/[a-z]+/g, 'w'));
    expect(probe.replace(/ +/g, ' ')).toMatch(shape);
    for (const one of shapes) expect(one.replace(/ +/g, ' ')).toMatch(shape);
  });

  test('refuses what cannot be', () => {
    const request = { length: 128, depth: 0.5, keys: 4, seed: 7, trial: 0 };
    expect(() => needleText({ ...request, length: 31 })).toThrow('want at least 32');
    expect(() => needleText({ ...request, depth: 1.01 })).toThrow('want 0 to 1');
    expect(() => needleText({ ...request, depth: Number.NaN })).toThrow('want 0 to 1');
  });
});

describe('the needle grid', () => {
  test('reaches four times the training length, which is one of its columns', () => {
    for (const contextLength of [32, 64, 128, 512, 1024, 4096]) {
      const { lengths, depths } = needleGridShape(contextLength);
      expect(lengths).toContain(contextLength);
      expect(Math.max(...lengths)).toBe(4 * contextLength);
      expect(lengths).toEqual([...lengths].sort((one, other) => one - other));
      expect(depths[0]).toBe(0);
      expect(depths.at(-1)).toBe(1);
    }
  });

  test('has no column that is too short for a text', () => {
    expect(needleGridShape(2).lengths).toEqual([32]);
    expect(needleGridShape(20).lengths).toEqual([32, 40, 80]);
  });
});
