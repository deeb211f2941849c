/** @file Batches for a run: an endless training stream, and fixed batches of held-out text. */
import type { Settings } from '@/engine/config/settings';
import { Random, type RandomState } from '@/engine/math/random';
import { arithmeticDocument } from './arithmetic';
import type { Batch, BatchSource } from './batch';
import { type Documents, documentsOf, splitCorpus, splitOwnText } from './documents';
import { type Corpora, type DomainId, domainIds, domainShares } from './domains';
import { GeneratedReader } from './generatedReader';
import { Packer, type Packing } from './packer';
import { CursorError, type DocumentReader, type ResumableReader } from './readers';
import { drawRecallRoom, recallDocument, smallestRecallRoom } from './recall';
import { TextReader } from './textReader';
import { WindowReader } from './windowReader';

/** Held-out batches are the same for every seed of a run, so that runs can be compared. */
const heldOutSeed = 0;

interface Cursor {
  /** What the stream is made of; a cursor of anything else is refused. */
  readonly stream: string;
  readonly random: RandomState;
  readonly given: readonly number[];
  readonly readers: readonly unknown[];
}

/**
 * The endless training stream of a run: equal settings and texts give equal batches.
 * @throws {CorpusError} on a corpus that is missing from `corpora` or damaged.
 */
export function createBatchSource(
  settings: Settings,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
): BatchSource {
  const shares = domainShares(settings, ownText !== undefined);
  const random = Random.seeded(settings.run.seed).split('training');
  const names: string[] = [];
  const readers = domainIds.map((id, domain): ResumableReader | undefined => {
    if (shares[domain] === 0) return undefined;
    const documents = textOf(id, corpora, ownText);
    names.push(`${id} ${shares[domain]} ${documents?.bytes.length ?? ''}`);
    if (!documents) return generatedReader(id, settings, random.split(id));
    return new TextReader(documents, documentsOf('training', documents), random.split(id));
  });
  const { batchSequences, contextLength, recallPairs } = settings.data;
  const stream = [
    `${batchSequences}x${contextLength}`,
    `seed ${settings.run.seed}`,
    `pairs ${recallPairs}`,
    ...names,
  ].join(', ');
  return new PackedSource(stream, packing(settings, shares, readers), readers, random);
}

/**
 * `count` batches of text that training never sees, in the proportions of the mixture. Empty when no
 * domain of the mixture has anything held out: a text of the visitor's that is a single piece.
 * @throws {CorpusError} as `createBatchSource`
 */
export function heldOutBatches(
  settings: Settings,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
  count: number,
): Batch[] {
  const shares = domainShares(settings, ownText !== undefined);
  const random = Random.seeded(heldOutSeed).split('held out');
  const readers = domainIds.map((id, domain): DocumentReader | undefined => {
    if (shares[domain] === 0) return undefined;
    const documents = textOf(id, corpora, ownText);
    if (!documents) return generatedReader(id, settings, random.split(id));
    const members = documentsOf('heldOut', documents);
    return members.length > 0 ? new WindowReader(documents, members, random.split(id)) : undefined;
  });
  const present = shares.map((share, domain) => (readers[domain] ? share : 0));
  const total = present.reduce((sum, share) => sum + share, 0);
  if (total === 0) return [];
  const packer = new Packer(
    packing(
      settings,
      present.map((share) => share / total),
      readers,
    ),
  );
  const order = random.split('order');
  return Array.from({ length: count }, () => packer.pack(order));
}

const packing = (
  { data: { batchSequences, contextLength, intraDocumentMask } }: Settings,
  shares: readonly number[],
  readers: Packing['readers'],
): Packing => ({ batchSequences, contextLength, intraDocumentMask, shares, readers });

/** The documents of a text domain; undefined for a generated one. */
function textOf(
  id: DomainId,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
): Documents | undefined {
  if (id === 'arithmetic' || id === 'recall') return undefined;
  if (id === 'own') return ownText && splitOwnText(ownText);
  return splitCorpus(id, corpora[id]);
}

function generatedReader(id: DomainId, { data }: Settings, random: Random): GeneratedReader {
  const largestRoom = data.contextLength;
  if (id === 'arithmetic') {
    return new GeneratedReader({
      smallestRoom: 1,
      largestRoom,
      random,
      generate: (own) => arithmeticDocument(own),
    });
  }
  return new GeneratedReader({
    // A recall document is made to end inside its sequence: cut in two, its questions would have no
    // answer in sight. Only in a context too short for any does one go on in the next sequence.
    smallestRoom: data.contextLength < smallestRecallRoom ? 1 : smallestRecallRoom,
    largestRoom,
    random,
    generate: (own, room) => recallDocument(own, drawRecallRoom(own, room) - 1, data.recallPairs),
  });
}

class PackedSource implements BatchSource {
  readonly #stream: string;
  readonly #packing: Packing;
  readonly #readers: readonly (ResumableReader | undefined)[];
  #packer: Packer;
  #random: Random;

  constructor(
    stream: string,
    packing: Packing,
    readers: readonly (ResumableReader | undefined)[],
    random: Random,
  ) {
    this.#stream = stream;
    this.#packing = packing;
    this.#readers = readers;
    this.#packer = new Packer(packing);
    this.#random = random.split('order');
  }

  async next(): Promise<Batch> {
    return this.#packer.pack(this.#random);
  }

  async cursor(): Promise<Cursor> {
    return {
      stream: this.#stream,
      random: this.#random.state(),
      given: this.#packer.given(),
      readers: this.#readers.map((reader) => reader?.cursor() ?? null),
    };
  }

  async seek(cursor: unknown): Promise<void> {
    const { random, given, readers } = expectCursor(cursor, this.#stream, this.#readers.length);
    const before = this.#readers.map((reader) => reader?.cursor());
    try {
      for (const [domain, reader] of this.#readers.entries()) reader?.seek(readers[domain]);
    } catch (error) {
      for (const [domain, reader] of this.#readers.entries()) reader?.seek(before[domain]);
      throw error;
    }
    this.#packer = new Packer(this.#packing, given);
    this.#random = Random.fromState(random);
  }
}

/** @throws {CursorError} unless `cursor` has the form of one and belongs to `stream`. */
function expectCursor(cursor: unknown, stream: string, domainCount: number): Cursor {
  const { random, given, readers, stream: other } = (cursor ?? {}) as Partial<Cursor>;
  if (other !== stream) {
    throw new CursorError(
      `data cursor: it belongs to other data or settings; want "${stream}", got "${String(other)}"`,
    );
  }
  const isWord = (value: unknown) => Number.isInteger(value) && (value as number) >>> 0 === value;
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const isList = (value: unknown, length: number, holds: (item: unknown) => boolean) =>
    Array.isArray(value) && value.length === length && value.every(holds);
  const isWhole =
    isList(random, 4, isWord) &&
    random?.some((word) => word !== 0) &&
    isList(given, domainCount, isCount) &&
    isList(readers, domainCount, () => true);
  if (!isWhole) throw new CursorError('data cursor: a part of it is missing or damaged');
  return cursor as Cursor;
}
