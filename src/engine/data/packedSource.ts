/** @file The stream of a run's batches through its phases, and its position as plain JSON. */
import type { Random, RandomState } from '@/engine/math/random';
import type { Batch, BatchSource } from './batch';
import { Packer, type Packing } from './packer';
import { CursorError, isCount, type ResumableReader, randomFrom } from './readers';

export interface Stream {
  /** What the stream is made of; a cursor of anything else is refused. */
  readonly name: string;
  /** One for each phase. */
  readonly packings: readonly Packing[];
  /** Phase of the 0-based batch; it never falls. */
  readonly phaseOf: (batch: number) => number;
  readonly readers: readonly (ResumableReader | undefined)[];
  /** Draws the domains. */
  readonly random: Random;
}

interface Cursor {
  readonly stream: string;
  /** Batches given; they tell the phase and number the sequences. */
  readonly batches: number;
  readonly random: RandomState;
  /** Tokens of each domain since the phase of the next batch began. */
  readonly given: readonly number[];
  /** Documents and read heads, in each reader's own numbers. */
  readonly readers: readonly unknown[];
}

export class PackedSource implements BatchSource {
  readonly #stream: Stream;
  /** Of the phase of the next batch. */
  #packer: Packer;
  #random: Random;
  #batches = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#packer = new Packer(this.#packingOf(0));
    this.#random = stream.random;
  }

  async next(): Promise<Batch> {
    const packing = this.#packingOf(this.#batches);
    const batch = this.#packer.pack(this.#random, this.#batches * packing.batchSequences);
    this.#batches += 1;
    // Shares are counted anew in each phase; a new mixture has nothing to make up for.
    const following = this.#packingOf(this.#batches);
    if (following !== packing) this.#packer = new Packer(following);
    return batch;
  }

  async cursor(): Promise<Cursor> {
    return {
      stream: this.#stream.name,
      batches: this.#batches,
      random: this.#random.state(),
      given: this.#packer.given(),
      readers: this.#stream.readers.map((reader) => reader?.cursor() ?? null),
    };
  }

  async seek(cursor: unknown): Promise<void> {
    const { name, readers: own } = this.#stream;
    const { batches, random, given, readers } = expectCursor(cursor, name, own.length);
    const draws = randomFrom(random);
    const before = own.map((reader) => reader?.cursor());
    try {
      for (const [domain, reader] of own.entries()) reader?.seek(readers[domain]);
    } catch (error) {
      for (const [domain, reader] of own.entries()) reader?.seek(before[domain]);
      throw error;
    }
    this.#batches = batches;
    this.#packer = new Packer(this.#packingOf(batches), given);
    this.#random = draws;
  }

  #packingOf(batch: number): Packing {
    return this.#stream.packings[this.#stream.phaseOf(batch)]!;
  }
}

/** @throws {CursorError} unless `cursor` has the form of one and belongs to `stream`. */
function expectCursor(cursor: unknown, stream: string, domainCount: number): Cursor {
  const { batches, given, readers, stream: other } = (cursor ?? {}) as Partial<Cursor>;
  if (other !== stream) {
    throw new CursorError(
      `data cursor: it belongs to other data or settings; want "${stream}", got "${String(other)}"`,
    );
  }
  const isList = (value: unknown): value is readonly unknown[] =>
    Array.isArray(value) && value.length === domainCount;
  const isWhole = isCount(batches) && isList(given) && given.every(isCount) && isList(readers);
  if (!isWhole) throw new CursorError('data cursor: a part of it is missing or damaged');
  return cursor as Cursor;
}
