/** @file Held-out text: windows at random places. */
import type { Random } from '@/engine/math/random';
import type { Documents } from './documents';
import { copyDocument, type DocumentReader, tokenAt, tokenCount } from './readers';

/**
 * Every reading starts at a place of its own, drawn over all tokens alike, and nothing is carried
 * over: a few readings stand for the whole of a text.
 */
export class WindowReader implements DocumentReader {
  readonly smallestRoom = 1;
  readonly #documents: Documents;
  readonly #members: Uint32Array;
  readonly #random: Random;
  readonly #total: number;
  #following: number | undefined;

  /** @param members documents to draw from, at least one. */
  constructor(documents: Documents, members: Uint32Array, random: Random) {
    this.#documents = documents;
    this.#members = members;
    this.#random = random;
    this.#total = members.reduce((sum, document) => sum + tokenCount(documents, document), 0);
  }

  read(tokens: Uint32Array, at: number, room: number): number {
    const { document, offset: drawn } = this.#drawPlace();
    const size = tokenCount(this.#documents, document);
    // Close to a document's end the window moves back, so that few are shorter than asked for.
    const offset = Math.max(0, Math.min(drawn, size - room));
    const count = copyDocument(this.#documents, document, offset, tokens, at, room);
    const end = offset + count;
    this.#following = end < size ? tokenAt(this.#documents, document, end) : undefined;
    return count;
  }

  following(): number | undefined {
    return this.#following;
  }

  #drawPlace(): { document: number; offset: number } {
    let offset = this.#random.below(this.#total);
    for (const document of this.#members) {
      const size = tokenCount(this.#documents, document);
      if (offset < size) return { document, offset };
      offset -= size;
    }
    throw new RangeError('windowReader: drawn place lies behind the last document');
  }
}
