/**
 * @file Training text: each document once an epoch, piece by piece; what a piece leaves of a document
 * is carried over to a later one (Trinity, 3.2).
 */
import type { Random } from '@/engine/math/random';
import type { Documents } from './documents';
import {
  CursorError,
  copyDocument,
  expectNumbers,
  type ReaderCursor,
  type ResumableReader,
  tokenAt,
  tokenCount,
} from './readers';

/** Documents open side by side, so that a batch does not come from one document alone. */
const loaderCount = 8;

/** One of the documents that are open; epoch and place say which, `offset` how far it was read. */
interface Loader {
  epoch: number;
  place: number;
  /** Tokens read; 0 when no document is open. */
  offset: number;
}

/**
 * Every document of a text once an epoch, in an order drawn anew for each epoch. Loaders take turns;
 * one whose document has ended takes the next of the order.
 */
export class TextReader implements ResumableReader {
  readonly smallestRoom = 1;
  readonly #documents: Documents;
  /** Documents that belong to the split. */
  readonly #members: Uint32Array;
  readonly #random: Random;
  /** Orders of the epochs that loaders are in. */
  readonly #orders = new Map<number, Uint32Array>();
  #loaders: Loader[];
  #turn = 0;
  #nextEpoch = 0;
  #nextPlace = 0;

  /** @param members documents to read, at least one. @param random decides the orders. */
  constructor(documents: Documents, members: Uint32Array, random: Random) {
    this.#documents = documents;
    this.#members = members;
    this.#random = random;
    this.#loaders = Array.from({ length: loaderCount }, () => ({ epoch: 0, place: 0, offset: 0 }));
  }

  read(tokens: Uint32Array, at: number, room: number): number {
    this.#turn = (this.#turn + 1) % loaderCount;
    const loader = this.#loaders[this.#turn]!;
    if (loader.offset === 0) this.#open(loader);
    const document = this.#documentOf(loader);
    const count = copyDocument(this.#documents, document, loader.offset, tokens, at, room);
    const end = loader.offset + count;
    loader.offset = end === tokenCount(this.#documents, document) ? 0 : end;
    return count;
  }

  following(): number | undefined {
    const loader = this.#loaders[this.#turn]!;
    if (loader.offset === 0) return undefined;
    return tokenAt(this.#documents, this.#documentOf(loader), loader.offset);
  }

  cursor(): ReaderCursor {
    const loaders = this.#loaders.flatMap(({ epoch, place, offset }) => [epoch, place, offset]);
    return [this.#nextEpoch, this.#nextPlace, this.#turn, ...loaders];
  }

  seek(cursor: unknown): void {
    expectNumbers(cursor, 3 + 3 * loaderCount);
    const [nextEpoch, nextPlace, turn, ...places] = cursor as [number, number, number, ...number[]];
    if (nextPlace > this.#members.length)
      throw new CursorError(`data cursor: there is no document ${nextPlace}`);
    if (turn >= loaderCount) throw new CursorError(`data cursor: there is no loader ${turn}`);
    const loaders = Array.from({ length: loaderCount }, (_, index): Loader => {
      const [epoch, place, offset] = places.slice(3 * index) as [number, number, number];
      return { epoch, place, offset };
    });
    for (const { place } of loaders) {
      if (place >= this.#members.length)
        throw new CursorError(`data cursor: there is no document ${place}`);
    }
    for (const loader of loaders) {
      if (loader.offset < tokenCount(this.#documents, this.#documentOf(loader))) continue;
      throw new CursorError(`data cursor: document ${loader.place} has no token ${loader.offset}`);
    }
    this.#loaders = loaders;
    this.#turn = turn;
    this.#forgetOrders();
    this.#nextEpoch = nextEpoch;
    this.#nextPlace = nextPlace;
  }

  #open(loader: Loader): void {
    if (this.#nextPlace === this.#members.length) {
      this.#nextEpoch += 1;
      this.#nextPlace = 0;
      this.#forgetOrders();
    }
    loader.epoch = this.#nextEpoch;
    loader.place = this.#nextPlace;
    this.#nextPlace += 1;
  }

  #forgetOrders(): void {
    const isInUse = (epoch: number) =>
      this.#loaders.some((loader) => loader.epoch === epoch && loader.offset > 0);
    for (const epoch of this.#orders.keys()) if (!isInUse(epoch)) this.#orders.delete(epoch);
  }

  #documentOf({ epoch, place }: Loader): number {
    let order = this.#orders.get(epoch);
    if (!order) {
      order = this.#members.slice();
      this.#random.split('epoch', epoch).shuffle(order);
      this.#orders.set(epoch, order);
    }
    return order[place]!;
  }
}
