/**
 * @file Training text in sequential order: each document once an epoch, piece by piece; what a piece leaves
 * of a document is carried over to a later one (Trinity, 3.2).
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
import { CursorError, expectNumbers, type ReaderCursor, type ResumableReader } from './readers';

/** Documents open side by side, so that a batch does not come from one document alone. */
const loaderCount = 8;

/** Loaders take turns; one whose document has ended opens the next of the order. */
export class TextReader implements ResumableReader {
  readonly smallestRoom = 1;
  readonly #documents: Documents;
  /** Documents that belong to the split. */
  readonly #members: ReadonlySet<number>;
  readonly #order: DocumentOrder;
  #loaders: OpenDocument[];
  #turn = 0;

  /** @param members documents to read, at least one. @param random decides the orders. */
  constructor(documents: Documents, members: Uint32Array, random: Random) {
    this.#documents = documents;
    this.#members = new Set(members);
    this.#order = new DocumentOrder(members, random);
    // A head of 0 says that nothing is open; the document then means nothing.
    this.#loaders = Array.from({ length: loaderCount }, () => ({ document: members[0]!, head: 0 }));
  }

  read(tokens: Uint32Array, at: number, room: number): number {
    this.#turn = (this.#turn + 1) % loaderCount;
    let open = this.#loaders[this.#turn]!;
    if (open.head === 0) {
      open = { document: this.#order.next(), head: 0 };
      this.#loaders[this.#turn] = open;
    }
    const count = readOn(this.#documents, open, tokens, at, room);
    if (nextToken(this.#documents, open) === undefined) open.head = 0;
    return count;
  }

  following(): number | undefined {
    const open = this.#loaders[this.#turn]!;
    return open.head === 0 ? undefined : nextToken(this.#documents, open);
  }

  cursor(): ReaderCursor {
    const loaders = this.#loaders.flatMap(({ document, head }) => [document, head]);
    return [...this.#order.cursor(), this.#turn, ...loaders];
  }

  seek(cursor: unknown): void {
    expectNumbers(cursor, 3 + openDocumentLength * loaderCount);
    const [epoch, opened, turn, ...places] = cursor as [number, number, number, ...number[]];
    if (turn >= loaderCount) throw new CursorError(`data cursor: there is no loader ${turn}`);
    const loaders = openDocumentsOf(places, this.#documents, this.#members);
    this.#order.seek(epoch, opened);
    this.#loaders = loaders;
    this.#turn = turn;
  }
}
