import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settings as rows } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import { documentsOf } from '@/engine/data/documents';
import { domainIds } from '@/engine/data/domains';
import { smallestRecallRoom } from '@/engine/data/recall';
import { createBatchSource, heldOutBatches } from '@/engine/data/source';
import { mostChunks, type Passage, sentinelCount, untie } from '@/engine/data/untie';
import { Random } from '@/engine/math/random';
import { codedCorpus, codedDocuments, documentOf, mostBytes, mostDocuments } from './codedText';
import { anyMixture, onlyNovel, open, take } from './streams';
import { corpora, ownText, settingsWith } from './texts';

const isSentinel = (token: number) => token >= 0xf8;
const isTail = (token: number) => token >= 0xf8 && token < 0xfc;

/** A chunk as the tokens show it. */
interface Seen {
  readonly document: number;
  readonly domain: number;
  /** Place among the chunks of its document, as its sentinels tell. */
  readonly number: number;
  readonly hasTail: boolean;
  readonly tokens: number[];
}

/** The chunks of one sequence in their order; `from` is its first token in the batch. */
function chunksOf({ tokens, documents, domains }: Batch, from: number, context: number): Seen[] {
  const seen: Seen[] = [];
  for (let at = from; at < from + context; ) {
    const first = at;
    const document = documents[at]!;
    const head = tokens[at]!;
    const number = head >= 0xfc ? head - 0xfc + 1 : 0;
    if (number > 0) at += 1;
    const start = at;
    // A chunk ends in front of a sentinel or behind a closing 0.
    while (at < from + context && !isSentinel(tokens[at]!)) if (tokens[at++] === 0) break;
    const chunk = { document, domain: domains[start]!, tokens: [...tokens.subarray(start, at)] };
    const hasTail = at < from + context && isTail(tokens[at]!) && tokens[at - 1] !== 0;
    if (hasTail) {
      expect(tokens[at]).toBe(0xf8 + number);
      at += 1;
    }
    expect(new Set(documents.subarray(first, at)).size).toBe(1);
    seen.push({ ...chunk, number, hasTail });
  }
  return seen;
}

/** The chunks of every sequence, in stream order. */
const sequencesOf = (batches: readonly Batch[], context: number): Seen[][] =>
  batches.flatMap((batch) =>
    Array.from({ length: batch.tokens.length / context }, (_, row) =>
      chunksOf(batch, row * context, context),
    ),
  );

/** Chunks by document, each document's in the order of their numbers. */
function byDocument(chunks: readonly Seen[]): Seen[][] {
  const documents = new Map<number, Seen[]>();
  for (const chunk of chunks) {
    documents.set(chunk.document, [...(documents.get(chunk.document) ?? []), chunk]);
  }
  return [...documents.values()].map((own) => own.sort((one, other) => one.number - other.number));
}

const anyUntied = fc
  .record({
    seed: fc.nat(0xffff_ffff),
    mixture: anyMixture,
    contextLength: fc.integer({ min: 2, max: 160 }),
    utkChunks: fc.integer({ min: 2, max: mostChunks }),
    utkKeepsOrder: fc.boolean(),
    intraDocumentMask: fc.boolean(),
    order: fc.constantFrom('sequential' as const, 'rsdb' as const),
  })
  .map(({ seed, mixture, ...data }) =>
    settingsWith({
      run: { seed },
      // The visitor's text may hold any byte; without it a sentinel is known by its value.
      data: {
        ...mixture,
        ownTextWeight: 0,
        novelWeight: 1,
        ...data,
        utkShare: 1,
        batchSequences: 4,
      },
    }),
  );

describe('an untied sequence', () => {
  test('has whole documents: their chunks, put in order, are one run of each', async () => {
    await fc.assert(
      fc.asyncProperty(anyUntied, async (settings) => {
        const { contextLength, utkChunks, utkKeepsOrder } = settings.data;
        for (const chunks of sequencesOf(await take(open(settings), 5), contextLength)) {
          const documents = byDocument(chunks);
          for (const own of documents) {
            expect(own.map(({ number }) => number)).toEqual(own.map((_, index) => index));
            expect([1, utkChunks]).toContain(own.length);
            expect(own.every(({ tokens }) => tokens.length > 0)).toBe(true);
            expect(own.map(({ hasTail }) => hasTail)).toEqual(
              own.map((_, index) => index < own.length - 1),
            );
            expect(new Set(own.map(({ domain }) => domain)).size).toBe(1);
            // A closing 0 can only be the very last token.
            const text = own.flatMap(({ tokens }) => tokens);
            expect([-1, text.length - 1]).toContain(text.indexOf(0));
            if (utkKeepsOrder) {
              const places = own.map((chunk) => chunks.indexOf(chunk));
              expect(places).toEqual(places.slice().sort((one, other) => one - other));
            }
          }
          const lastDocument = Math.max(...chunks.map(({ document }) => document));
          expect(chunks.at(-1)!.document).toBe(lastDocument);
          expect(chunks.at(-1)!.hasTail).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('leaves a document whole only where it has fewer tokens than chunks, or no room for sentinels', async () => {
    await fc.assert(
      fc.asyncProperty(anyUntied, async (settings) => {
        const { contextLength, utkChunks } = settings.data;
        for (const chunks of sequencesOf(await take(open(settings), 4), contextLength)) {
          const documents = byDocument(chunks).sort(
            (one, other) => one[0]!.document - other[0]!.document,
          );
          let room = contextLength;
          for (const own of documents) {
            const count = own.reduce((sum, { tokens }) => sum + tokens.length, 0);
            const isRecall = domainIds[own[0]!.domain] === 'recall';
            const fitsRecall = contextLength >= smallestRecallRoom;
            const leastRoom = isRecall && fitsRecall ? smallestRecallRoom : 1;
            const rest = room - sentinelCount(utkChunks);
            const canCut = rest >= Math.max(utkChunks, leastRoom);
            expect(own.length).toBe(canCut && count >= utkChunks ? utkChunks : 1);
            room -= count + sentinelCount(own.length);
          }
          expect(room).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('has the targets of the new order, none at a sentinel', async () => {
    await fc.assert(
      fc.asyncProperty(anyUntied, async (settings) => {
        const { contextLength, intraDocumentMask } = settings.data;
        let sentinels = 0;
        for (const { tokens, targets, documents } of await take(open(settings), 4)) {
          for (let at = 0; at < tokens.length; at++) {
            const isLast = (at + 1) % contextLength === 0;
            const next = isLast ? undefined : tokens[at + 1]!;
            if (isSentinel(tokens[at]!)) sentinels += 1;
            if (isSentinel(tokens[at]!) || (next !== undefined && isSentinel(next)))
              expect(targets[at]).toBe(IGNORED);
            else if (tokens[at] === 0)
              expect(targets[at]).toBe(intraDocumentMask || isLast ? IGNORED : next);
            else if (isLast) expect(targets[at]).toBeLessThan(0xf8);
            else {
              expect(targets[at]).toBe(next);
              expect(documents[at + 1]).toBe(documents[at]);
            }
          }
        }
        if (contextLength > 60) expect(sentinels).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  test('comes as often as asked for, and is cut anew each time', async () => {
    for (const share of [0.25, 0.7]) {
      const settings = settingsWith({
        data: { ...onlyNovel, utkShare: share, contextLength: 64, batchSequences: 50 },
      });
      const sequences = sequencesOf(await take(open(settings), 20), 64);
      const untied = sequences.filter((chunks) => chunks.some(({ hasTail }) => hasTail));
      const spread = Math.sqrt(share * (1 - share) * sequences.length);
      expect(Math.abs(untied.length - share * sequences.length)).toBeLessThan(4 * spread);
      const lengths = new Set(untied.map((chunks) => chunks[0]!.tokens.length));
      expect(lengths.size).toBeGreaterThan(15);
    }
  });

  test('loses no token and doubles none, in either order of documents', async () => {
    const anyLengths = fc.array(fc.integer({ min: 1, max: mostBytes }), {
      minLength: 1,
      maxLength: mostDocuments,
    });
    const anyChoice = fc.record({
      utkShare: fc.constantFrom(0, 0.5, 1),
      utkChunks: fc.integer({ min: 2, max: mostChunks }),
      utkKeepsOrder: fc.boolean(),
      order: fc.constantFrom('sequential' as const, 'rsdb' as const),
      contextLength: fc.integer({ min: 2, max: 50 }),
      batchSequences: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(), anyLengths, anyChoice, async (seed, lengths, choice) => {
        const settings = settingsWith({
          run: { seed },
          data: { ...onlyNovel, rsdbDocuments: 3, ...choice },
        });
        const source = createBatchSource(settings, { novel: codedCorpus(lengths) }, undefined);
        const members = documentsOf('training', codedDocuments(lengths));
        const read = new Map<number, number>();
        const batches = await take(source, 30);
        for (const own of sequencesOf(batches, choice.contextLength).flatMap(byDocument)) {
          const text = own.flatMap(({ tokens }) => tokens).filter((token) => token > 0);
          expect(text).toEqual(text.map((_, index) => text[0]! + index));
        }
        for (const { tokens } of batches) {
          for (const token of tokens) {
            if (!isSentinel(token)) read.set(token, (read.get(token) ?? 0) + 1);
          }
        }
        const { readers } = (await source.cursor()) as { readers: (readonly number[])[] };
        const open = openIn(readers[0]!, choice.order);
        for (const document of members) {
          const heads = open.filter((one) => one.document === document).map(({ head }) => head);
          const counts = Array.from(
            { length: lengths[document]! },
            (_, place) => read.get(1 + 16 * document + place) ?? 0,
          );
          // Read to the end so often, and on top of it what is open up to its read head.
          const whole = counts.at(-1)! - heads.filter((head) => head >= lengths[document]!).length;
          expect(counts).toEqual(
            counts.map((_, place) => whole + heads.filter((head) => head > place).length),
          );
        }
        const begun = members.map((document) => read.get(1 + 16 * document) ?? 0);
        if (choice.order === 'sequential')
          expect(Math.max(...begun) - Math.min(...begun)).toBeLessThanOrEqual(1);
        for (const token of read.keys())
          if (token > 0) expect(members).toContain(documentOf(token));
      }),
      { numRuns: 150 },
    );
  });

  test('never is one of the held-out ones', () => {
    const data = { ...onlyNovel, contextLength: 64 };
    const tied = heldOutBatches(settingsWith({ data }), corpora, ownText, 2);
    const untied = heldOutBatches(
      settingsWith({ data: { ...data, utkShare: 1 } }),
      corpora,
      ownText,
      2,
    );
    expect(untied).toEqual(tied);
  });
});

/** Documents of the novel that are open, and how far each was read. */
function openIn(cursor: readonly number[], order: 'sequential' | 'rsdb') {
  const numbers = cursor.slice(order === 'rsdb' ? 7 : 3);
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    document: numbers[2 * index]!,
    head: numbers[2 * index + 1]!,
  })).filter(({ head }) => head > 0);
}

describe('chunks of passages', () => {
  const passage = (start: number, end: number, chunks: number): Passage => ({
    domain: 0,
    start,
    end,
    chunks,
    following: undefined,
  });

  /** How often each of `keys` came in `count` draws. */
  function tally(count: number, draw: (random: Random) => string): Map<string, number> {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < count; seed++) {
      const key = draw(Random.seeded(seed));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  const expectEven = (counts: ReadonlyMap<string, number>, kinds: number, draws: number) => {
    expect(counts.size).toBe(kinds);
    for (const count of counts.values()) {
      expect(Math.abs(count - draws / kinds)).toBeLessThan(5 * Math.sqrt(draws / kinds));
    }
  };

  test('are cut at distinct places, every choice of them alike', () => {
    const counts = tally(6000, (random) => {
      const chunks = untie([passage(10, 16, 3)], random, true);
      return chunks.map(({ start, end }) => `${start}-${end}`).join(' ');
    });
    expectEven(counts, 10, 6000); // two of the five places inside six tokens
  });

  test('lie in any order alike, the last one last', () => {
    const passages = [passage(0, 2, 2), passage(2, 4, 2)];
    const order = (keepsOrder: boolean) => (random: Random) =>
      untie(passages, random, keepsOrder)
        .map(({ start }) => start)
        .join('');
    expectEven(tally(6000, order(false)), 6, 6000);
    // 0 before 1; 3 is last anyway.
    expectEven(tally(3000, order(true)), 3, 3000);
    expect([...tally(200, order(true)).keys()].sort()).toEqual(['0123', '0213', '2013']);
  });

  test('of a single document stay as they are where they keep their order', () => {
    const chunks = untie([passage(0, 30, 5)], Random.seeded(1), true);
    expect(chunks.map(({ head }) => head)).toEqual([undefined, 0xfc, 0xfd, 0xfe, 0xff]);
    expect(chunks.map(({ tail }) => tail)).toEqual([0xf8, 0xf9, 0xfa, 0xfb, undefined]);
  });

  test('are as many as the setting allows at the most', () => {
    expect(rows.data.utkChunks.max).toBe(mostChunks);
  });
});
