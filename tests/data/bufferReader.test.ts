import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferReader } from '@/engine/data/bufferReader';
import { DocumentOrder } from '@/engine/data/documentOrder';
import { documentsOf } from '@/engine/data/documents';
import { domainIds } from '@/engine/data/domains';
import { Random, type RandomState } from '@/engine/math/random';
import { DocumentBuffer } from '../reference/documentBuffer';
import {
  codedDocuments,
  documentOf,
  mostBytes,
  mostDocuments,
  placeOf,
  tokensOf,
} from './codedText';
import { onlyNovel, open, take, turnsOf } from './streams';
import { settingsWith } from './texts';

const anyLengths = fc.array(fc.integer({ min: 1, max: mostBytes }), {
  minLength: 1,
  maxLength: mostDocuments,
});
const anyBuffer = fc.record({
  seed: fc.nat(0xffff_ffff),
  lengths: anyLengths,
  documents: fc.integer({ min: 1, max: 9 }),
  workers: fc.integer({ min: 1, max: 4 }),
  context: fc.integer({ min: 1, max: 40 }),
});

/** A reader, the documents behind it, and what it opens and draws. */
function buffered(seed: number, lengths: readonly number[], documents: number, workers: number) {
  const text = codedDocuments(lengths);
  const members = documentsOf('training', text);
  const random = Random.seeded(seed).split('novel');
  const reader = new BufferReader(text, members, random, { documents, workers });
  return { text, members, reader, order: new DocumentOrder(members, random) };
}

/** One sequence, as the pieces that the reader gives; the token behind each is looked at too. */
function pieces(reader: BufferReader, sequence: number, context: number) {
  const tokens = new Uint32Array(context);
  const found: { piece: number[]; following: number | undefined }[] = [];
  reader.startSequence(sequence);
  for (let at = 0; at < context; ) {
    const next = at + reader.read(tokens, at, context - at);
    found.push({ piece: [...tokens.subarray(at, next)], following: reader.following() });
    at = next;
  }
  return found;
}

/** The open documents of each worker, out of a reader's cursor. */
function buffersIn(cursor: readonly number[], workers: number) {
  const numbers = cursor.slice(6);
  return Array.from({ length: workers }, () => {
    const count = numbers.shift()!;
    return Array.from({ length: count }, () => {
      const [document, head] = numbers.splice(0, 2) as [number, number];
      return { document, head };
    });
  });
}

describe('the document buffer', () => {
  test('gives what the report says, piece by piece, for any number of workers', () => {
    fc.assert(
      fc.property(anyBuffer, ({ seed, lengths, documents, workers, context }) => {
        const { text, reader, order } = buffered(seed, lengths, documents, workers);
        const draws = Random.fromState(reader.cursor().slice(2, 6) as unknown as RandomState);
        const references = Array.from(
          { length: workers },
          () =>
            new DocumentBuffer(
              () => tokensOf(text, order.next()),
              documents,
              (count) => draws.below(count),
            ),
        );
        for (let sequence = 0; sequence < 30; sequence++) {
          const expected = references[sequence % workers]!.nextSequence(context);
          expect(pieces(reader, sequence, context).map(({ piece }) => piece)).toEqual(expected);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('reads each document forwards without a gap, to its end', () => {
    fc.assert(
      fc.property(anyBuffer, ({ seed, lengths, documents, workers, context }) => {
        const { reader } = buffered(seed, lengths, documents, workers);
        // How often each place of a document was read: never more often than the place before it.
        const read = lengths.map((length) => new Array<number>(length + 1).fill(0));
        for (let sequence = 0; sequence < 20; sequence++) {
          for (const { piece, following } of pieces(reader, sequence, context)) {
            if (piece[0] === 0) continue; // a closing 0 alone does not tell whose it is
            const document = documentOf(piece[0]!);
            const first = placeOf(piece[0]!);
            for (const [index, token] of piece.entries()) {
              const place = first + index;
              const isEnd = place === lengths[document];
              expect(token).toBe(isEnd ? 0 : 1 + 16 * document + place);
              read[document]![place]! += 1;
              if (place > 0)
                expect(read[document]![place]).toBeLessThanOrEqual(read[document]![place - 1]!);
            }
            const behind = first + piece.length;
            const length = lengths[document]!;
            if (behind > length) expect(following).toBeUndefined();
            else expect(following).toBe(behind === length ? 0 : 1 + 16 * document + behind);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('loses no token and doubles none: what was opened was read, or is still open', () => {
    fc.assert(
      fc.property(anyBuffer, ({ seed, lengths, documents, workers, context }) => {
        const { members, reader, order } = buffered(seed, lengths, documents, workers);
        const read = new Array<number>(lengths.length + 1).fill(0);
        const closings = lengths.length;
        for (let sequence = 0; sequence < 60; sequence++) {
          for (const { piece } of pieces(reader, sequence, context)) {
            for (const token of piece) read[token === 0 ? closings : documentOf(token)]! += 1;
          }
        }
        const cursor = reader.cursor();
        const [epoch, inEpoch] = cursor as [number, number];
        const wanted = new Array<number>(lengths.length + 1).fill(0);
        for (let count = 0; count < epoch * members.length + inEpoch; count++) {
          const document = order.next();
          wanted[document]! += lengths[document]!;
          wanted[closings]! += 1;
        }
        for (const { document, head } of buffersIn(cursor, workers).flat()) {
          wanted[document]! -= lengths[document]! - head;
          wanted[closings]! -= 1;
        }
        expect(read).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  test('holds U to 2U documents, and opens new ones only when no more than U are left', () => {
    fc.assert(
      fc.property(anyBuffer, ({ seed, lengths, documents, workers, context }) => {
        const { reader } = buffered(seed, lengths, documents, workers);
        const tokens = new Uint32Array(context);
        let before = new Array<number>(workers).fill(0);
        let opened = 0;
        for (let sequence = 0; sequence < 25; sequence++) {
          reader.startSequence(sequence);
          for (let at = 0; at < context; ) {
            at += reader.read(tokens, at, context - at);
            const cursor = reader.cursor();
            const counts = buffersIn(cursor, workers).map((buffer) => buffer.length);
            const worker = sequence % workers;
            const isRefill = before[worker]! <= documents;
            const members = documentsOf('training', codedDocuments(lengths)).length;
            const now = cursor[0]! * members + cursor[1]!;
            expect(now - opened).toBe(isRefill ? 2 * documents - before[worker]! : 0);
            expect(counts[worker]).toBeGreaterThanOrEqual(documents);
            expect(counts[worker]).toBeLessThanOrEqual(2 * documents);
            const others = (list: readonly number[]) => list.filter((_, index) => index !== worker);
            expect(others(counts)).toEqual(others(before));
            before = counts;
            opened = now;
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('draws every open document alike', () => {
    // Seven of the eight are trained on, and two epochs of them are open when the first is drawn.
    const { text, members } = buffered(1, new Array<number>(8).fill(mostBytes), 7, 1);
    const counts = new Array<number>(7).fill(0);
    for (let seed = 0; seed < 3500; seed++) {
      const random = Random.seeded(seed);
      const reader = new BufferReader(text, members, random, { documents: 7, workers: 1 });
      counts[documentOf(pieces(reader, 0, 1)[0]!.piece[0]!)]! += 1;
    }
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(5 * Math.sqrt(500));
  });

  test('refuses a cursor that is cut off, too large, or of other documents, and stays where it is', () => {
    const { reader } = buffered(3, [5, 6, 7, 8, 9, 3, 4, 5, 6, 7, 8, 9], 3, 2);
    for (let sequence = 0; sequence < 5; sequence++) pieces(reader, sequence, 11);
    const cursor = reader.cursor();
    const at = (index: number, value: number) =>
      cursor.map((one, i) => (i === index ? value : one));
    const refused = [
      undefined,
      [],
      [1, 2],
      cursor.slice(0, -1),
      [...cursor, 0],
      at(1, 100), // documents of an epoch
      at(6, 7), // documents in the first buffer: over 2U
      at(7, 10), // a document that is held out
      at(7, 99),
      at(8, 4000), // a read head
      cursor.map((one, i) => (i >= 2 && i < 6 ? 0 : one)),
    ];
    for (const other of refused)
      expect(() => reader.seek(other)).toThrow(expect.objectContaining({ name: 'CursorError' }));
    expect(reader.cursor()).toEqual(cursor);
  });
});

describe('a stream through the buffer', () => {
  const rsdb = (documents: number, workers: number) =>
    ({ order: 'rsdb', rsdbDocuments: documents, rsdbWorkers: workers }) as const;

  const createdWith = (changes: object) => open(settingsWith({ data: changes }));

  /** Open documents of every text, by worker, at the place of `cursor`. */
  const openIn = (cursor: unknown, workers: number) =>
    (cursor as { readers: (readonly number[] | null)[] }).readers.flatMap((reader) =>
      reader && reader.length > 6 ? [buffersIn(reader, workers)] : [],
    );

  test('keeps the same number of documents open, whatever the workers, split evenly over them', async () => {
    for (const workers of [1, 2, 3, 4, 6]) {
      const settings = settingsWith({
        data: { ...rsdb(24, workers), contextLength: 40, batchSequences: 6, recallWeight: 0 },
      });
      const source = open(settings);
      await take(source, 10);
      for (let batch = 0; batch < 60; batch++) {
        await source.next();
        const texts = openIn(await source.cursor(), workers);
        expect(texts).toHaveLength(3);
        for (let worker = 0; worker < workers; worker++) {
          const count = texts.reduce((sum, buffers) => sum + buffers[worker]!.length, 0);
          expect(count).toBeGreaterThanOrEqual(24 / workers);
          expect(count).toBeLessThanOrEqual(48 / workers);
        }
      }
    }
  });

  test('gives each text a part in proportion to its share, and every one at least a document', async () => {
    const settings = settingsWith({
      data: { ...rsdb(20, 2), novelWeight: 6, speechesWeight: 3, codeWeight: 0.5 },
    });
    const source = open(settings);
    await take(source, 12);
    const counts = openIn(await source.cursor(), 2).map((buffers) => buffers[0]!.length);
    // Six, three and one of ten: at once filled to twice as many, less what was read up since.
    for (const [text, part] of [6, 3, 1].entries()) {
      expect(counts[text]).toBeGreaterThanOrEqual(part);
      expect(counts[text]).toBeLessThanOrEqual(2 * part);
    }
  });

  test('is in the middle of many documents, where sequential order is in eight', async () => {
    const source = createdWith({ ...onlyNovel, ...rsdb(20, 1), contextLength: 16 });
    await take(source, 20);
    const buffer = openIn(await source.cursor(), 1)[0]![0]!;
    expect(buffer.filter(({ head }) => head > 0).length).toBeGreaterThan(12);
  });

  test('never shows held-out text, and every training document once before any twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), async (seed) => {
        const settings = settingsWith({
          run: { seed },
          data: { ...rsdb(8, 1), contextLength: 64 },
        });
        const turns = turnsOf(await take(open(settings), 60), 64).filter(
          ({ domain }) => domainIds[domain] === 'novel',
        );
        const heads = turns.map(({ tokens }) =>
          /^whale (\d+):/.exec(String.fromCharCode(...tokens)),
        );
        const begun = heads.flatMap((head) => (head ? [Number(head[1])] : []));
        expect(begun.length).toBeGreaterThan(20);
        for (const document of begun) expect(document % 20).not.toBe(10);
        // Sixteen are open at once, so an epoch is over at the latest sixteen documents into the next.
        const counts = new Map<number, number>();
        for (const document of begun) counts.set(document, (counts.get(document) ?? 0) + 1);
        expect(Math.max(...counts.values())).toBeLessThanOrEqual(Math.ceil(begun.length / 28) + 1);
      }),
      { numRuns: 10 },
    );
  });

  test('is another stream than the sequential one, and refuses its cursor', async () => {
    const sequential = createdWith({});
    const buffer = createdWith(rsdb(12, 2));
    await expect(buffer.seek(await sequential.cursor())).rejects.toThrow('other data or settings');
    const other = createdWith(rsdb(12, 3));
    await expect(buffer.seek(await other.cursor())).rejects.toThrow('rsdb 12/2');
  });
});
