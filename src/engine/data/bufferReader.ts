/**
 * @file Training text through a Random Sequential Document Buffer (Trinity, 3.2): many documents are open, and
 * each piece comes from one drawn at random, going on where the last piece of that document ended.
 *
 * A buffer holds up to 2U documents. One that was read up leaves it; when no more than U are left, whole
 * documents are opened until there are 2U again. The report lets exhausted documents lie until that refill;
 * since they are never drawn, nobody can tell. Documents come from one order for all workers, so each is read
 * once an epoch however many workers there are; a text of fewer than 2U documents is open several times over.
 */
import type { Random } from '@/engine/math/random';
import { DocumentOrder } from './documentOrder';
import type { Documents } from './documents';
import {
  nextToken,
  type OpenDocument,
  openDocumentLength,
  openDocumentsOf,
  readOn,
} from './openDocument';
import {
  CursorError,
  expectNumbers,
  type ReaderCursor,
  type ResumableReader,
  randomFrom,
} from './readers';

export interface BufferSize {
  /** U of one worker: documents that stay open at least. */
  readonly documents: number;
  readonly workers: number;
}

/** Numbers of a cursor before the buffers: the order's two and the four words of the draws. */
const headLength = 6;

/** One text, buffered by each worker on its own; worker w builds sequences w, w + workers, and so on. */
export class BufferReader implements ResumableReader {
  readonly smallestRoom = 1;
  readonly #documents: Documents;
  readonly #members: ReadonlySet<number>;
  readonly #order: DocumentOrder;
  readonly #size: BufferSize;
  /** Open documents of each worker; empty before its first turn. */
  #buffers: OpenDocument[][];
  #worker = 0;
  /** Which open document is read next. */
  #draws: Random;
  #last: OpenDocument | undefined;

  /** @param members documents to read, at least one. @param random decides the orders and the draws. */
  constructor(documents: Documents, members: Uint32Array, random: Random, size: BufferSize) {
    this.#documents = documents;
    this.#members = new Set(members);
    this.#order = new DocumentOrder(members, random);
    this.#size = size;
    this.#buffers = Array.from({ length: size.workers }, () => []);
    this.#draws = random.split('draws');
  }

  startSequence(sequence: number): void {
    this.#worker = sequence % this.#size.workers;
  }

  read(tokens: Uint32Array, at: number, room: number): number {
    const buffer = this.#buffers[this.#worker]!;
    if (buffer.length <= this.#size.documents) this.#refill(buffer);
    const drawn = this.#draws.below(buffer.length);
    const open = buffer[drawn]!;
    const count = readOn(this.#documents, open, tokens, at, room);
    if (nextToken(this.#documents, open) === undefined) buffer.splice(drawn, 1);
    this.#last = open;
    return count;
  }

  following(): number | undefined {
    return this.#last && nextToken(this.#documents, this.#last);
  }

  cursor(): ReaderCursor {
    const cursor: number[] = [...this.#order.cursor(), ...this.#draws.state()];
    for (const buffer of this.#buffers) {
      cursor.push(buffer.length);
      for (const { document, head } of buffer) cursor.push(document, head);
    }
    return cursor;
  }

  seek(cursor: unknown): void {
    expectNumbers(cursor);
    const [epoch, opened, ...words] = cursor.slice(0, headLength) as [number, number, ...number[]];
    const draws = randomFrom(words);
    const buffers = this.#buffersOf(cursor.slice(headLength));
    this.#order.seek(epoch, opened);
    this.#draws = draws;
    this.#buffers = buffers;
  }

  #refill(buffer: OpenDocument[]): void {
    while (buffer.length < 2 * this.#size.documents)
      buffer.push({ document: this.#order.next(), head: 0 });
  }

  /** The buffers that the numbers name: for each the count of its documents, then these. */
  #buffersOf(numbers: readonly number[]): OpenDocument[][] {
    let at = 0;
    const buffers = this.#buffers.map(() => {
      const count = numbers[at] ?? 0;
      const end = at + 1 + openDocumentLength * count;
      if (at >= numbers.length || end > numbers.length || count > 2 * this.#size.documents)
        throw new CursorError(
          `data cursor: a buffer of ${count} documents is too large or cut off`,
        );
      const buffer = openDocumentsOf(numbers.slice(at + 1, end), this.#documents, this.#members);
      at = end;
      return buffer;
    });
    if (at < numbers.length)
      throw new CursorError('data cursor: it has more buffers than there are workers');
    return buffers;
  }
}
