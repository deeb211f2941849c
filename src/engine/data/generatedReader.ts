/** @file Documents that are made when they are read: without end, and none is kept. */
import type { Random } from '@/engine/math/random';
import { endOfDocument } from './documents';
import { CursorError, expectNumbers, type ReaderCursor, type ResumableReader } from './readers';

interface Generator {
  readonly smallestRoom: number;
  /** Most room that is ever asked for, in tokens. */
  readonly largestRoom: number;
  /** The root of every document's own numbers. */
  readonly random: Random;
  /** A document without its closing 0; `room` is what the sequence has left when it starts. */
  readonly generate: (random: Random, room: number) => Uint32Array;
}

export class GeneratedReader implements ResumableReader {
  readonly smallestRoom: number;
  readonly #generator: Generator;
  /** Documents closed so far, and so the number of the open or the next one. */
  #closed = 0;
  #document: Uint32Array = new Uint32Array(0);
  /** Tokens read of the open document; 0 when none is open. */
  #offset = 0;
  #room = 0;

  constructor(generator: Generator) {
    this.smallestRoom = generator.smallestRoom;
    this.#generator = generator;
  }

  read(tokens: Uint32Array, at: number, room: number): number {
    if (this.#offset === 0) {
      this.#room = room;
      this.#document = this.#generate(this.#closed, room);
    }
    const rest = this.#document.subarray(this.#offset, this.#offset + room);
    tokens.set(rest, at);
    if (rest.length === room) {
      this.#offset += room;
      return room;
    }
    tokens[at + rest.length] = endOfDocument;
    this.#offset = 0;
    this.#closed += 1;
    return rest.length + 1;
  }

  following(): number | undefined {
    if (this.#offset === 0) return undefined;
    return this.#document[this.#offset] ?? endOfDocument;
  }

  cursor(): ReaderCursor {
    return [this.#closed, this.#room, this.#offset];
  }

  seek(cursor: unknown): void {
    expectNumbers(cursor, 3);
    const [closed, room, offset] = cursor as [number, number, number];
    if (room > this.#generator.largestRoom) {
      throw new CursorError(`data cursor: no sequence has room for ${room} tokens`);
    }
    const document = offset > 0 ? this.#generate(closed, room) : new Uint32Array(0);
    if (offset > document.length) {
      throw new CursorError(`data cursor: document ${closed} has no token ${offset}`);
    }
    this.#closed = closed;
    this.#room = room;
    this.#offset = offset;
    this.#document = document;
  }

  #generate(number: number, room: number): Uint32Array {
    return this.#generator.generate(this.#generator.random.split('document', number), room);
  }
}
