/** @file In which order the documents of a text are opened: each once an epoch, shuffled anew for each. */
import type { Random } from '@/engine/math/random';
import { CursorError } from './readers';

/** Numbers of a cursor. */
export const orderCursorLength = 2;

export class DocumentOrder {
  readonly #members: Uint32Array;
  readonly #random: Random;
  #epoch = 0;
  /** Documents of this epoch that were opened. */
  #opened = 0;
  #order: Uint32Array;

  /** @param members documents to open, at least one. @param random decides the orders; it does not move. */
  constructor(members: Uint32Array, random: Random) {
    this.#members = members;
    this.#random = random;
    this.#order = this.#orderOf(0);
  }

  /** The next document to open. */
  next(): number {
    if (this.#opened === this.#members.length) {
      this.#epoch += 1;
      this.#opened = 0;
      this.#order = this.#orderOf(this.#epoch);
    }
    this.#opened += 1;
    return this.#order[this.#opened - 1]!;
  }

  cursor(): readonly [epoch: number, opened: number] {
    return [this.#epoch, this.#opened];
  }

  /** @throws {CursorError} when an epoch has not that many documents; nothing has moved then. */
  seek(epoch: number, opened: number): void {
    if (opened > this.#members.length)
      throw new CursorError(`data cursor: an epoch has no document ${opened}`);
    if (epoch !== this.#epoch) this.#order = this.#orderOf(epoch);
    this.#epoch = epoch;
    this.#opened = opened;
  }

  #orderOf(epoch: number): Uint32Array {
    const order = this.#members.slice();
    this.#random.split('epoch', epoch).shuffle(order);
    return order;
  }
}
