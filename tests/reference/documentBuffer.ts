/**
 * RSDB as the Trinity report tells it (arXiv:2602.17004, section 3.2), in plain lists: exhausted documents lie in the
 * buffer until the next refill, which comes when no more than U of them are live.
 */

export interface Entry {
  readonly tokens: readonly number[];
  head: number;
}

export class DocumentBuffer {
  readonly #load: () => readonly number[];
  readonly #documents: number;
  readonly #pick: (count: number) => number;
  #entries: Entry[] = [];

  /** @param load the next whole document. @param documents U. @param pick an index among so many live ones. */
  constructor(load: () => readonly number[], documents: number, pick: (count: number) => number) {
    this.#load = load;
    this.#documents = documents;
    this.#pick = pick;
  }

  live(): Entry[] {
    return this.#entries.filter(({ tokens, head }) => head < tokens.length);
  }

  /** One sequence, as the pieces that it is made of. */
  nextSequence(length: number): number[][] {
    const pieces: number[][] = [];
    let room = length;
    while (room > 0) {
      if (this.live().length <= this.#documents) {
        this.#entries = this.live();
        while (this.#entries.length < 2 * this.#documents)
          this.#entries.push({ tokens: this.#load(), head: 0 });
      }
      const live = this.live();
      const entry = live[this.#pick(live.length)]!;
      const count = Math.min(entry.tokens.length - entry.head, room);
      pieces.push(entry.tokens.slice(entry.head, entry.head + count));
      entry.head += count;
      room -= count;
    }
    return pieces;
  }
}
