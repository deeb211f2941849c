/**
 * @file Packs documents of several domains into sequences (Trinity, 3.2).
 *
 * A sequence is filled by turns: a domain is drawn and gives the next tokens of one of its documents,
 * up to that document's end or the sequence's. What the end of a sequence cuts off is carried over to
 * a later turn of its domain, so every token is an input exactly once.
 *
 * A target is the next token of the same document, also where the sequence ends before it: it is
 * looked at, not taken. Behind a document's closing 0 nothing can be predicted from that document;
 * with the mask between documents on, its target is therefore IGNORED. Without the mask the next
 * document's first token stands there, as in plain concatenation, unless the sequence is over.
 *
 * Some sequences are untied (see `untie.ts`): targets are those of the new order, IGNORED where the input or
 * the target is a sentinel. A document keeps one id over all its chunks, sentinels included, so that with
 * the mask on a chunk still sees the earlier chunks of its own document, and no other.
 */
import type { Random } from '@/engine/math/random';
import { type Batch, IGNORED } from './batch';
import type { DocumentReader } from './readers';
import { type Chunk, type Passage, sentinelCount, untie, wholeChunks } from './untie';

export interface Packing {
  /** One for each domain; undefined where a domain has nothing to give. */
  readonly readers: readonly (DocumentReader | undefined)[];
  /** Share of the tokens for each domain, sentinels included; 0 where there is no reader. */
  readonly shares: readonly number[];
  readonly batchSequences: number;
  readonly contextLength: number;
  readonly intraDocumentMask: boolean;
  /** Undefined where no sequence is untied. */
  readonly untying?: Untying | undefined;
}

export interface Untying {
  /** Share of the sequences. */
  readonly share: number;
  /** Chunks of a document, 2 to `mostChunks`. */
  readonly chunks: number;
  readonly keepsOrder: boolean;
  /** The root of every sequence's own numbers. */
  readonly random: Random;
}

export class Packer {
  readonly #packing: Packing;
  /** Tokens given so far, by domain. */
  readonly #given: number[];
  /** Drawn tokens of the sequence that is being packed. */
  readonly #drawn: Uint32Array;

  constructor(packing: Packing, given: readonly number[] = packing.shares.map(() => 0)) {
    this.#packing = packing;
    this.#given = [...given];
    this.#drawn = new Uint32Array(packing.contextLength);
  }

  given(): readonly number[] {
    return [...this.#given];
  }

  /**
   * The next batch.
   * @param random draws the domains. @param sequence number of its first sequence in the stream, from 0.
   */
  pack(random: Random, sequence: number): Batch {
    const { batchSequences, contextLength, readers } = this.#packing;
    const size = batchSequences * contextLength;
    const batch: Batch = {
      tokens: new Uint32Array(size),
      targets: new Uint32Array(size),
      documents: new Uint32Array(size),
      domains: new Uint32Array(size),
    };
    for (let row = 0; row < batchSequences; row++) {
      for (const reader of readers) reader?.startSequence?.(sequence + row);
      this.#fill(batch, row * contextLength, sequence + row, random);
    }
    return batch;
  }

  #fill(batch: Batch, start: number, sequence: number, random: Random): void {
    const { untying } = this.#packing;
    const own = untying?.random.split('sequence', sequence);
    if (!untying || !own || own.unit() >= untying.share) {
      const passages = this.#drawPassages(1, random);
      this.#write(batch, start, passages, wholeChunks(passages));
      return;
    }
    const passages = this.#drawPassages(untying.chunks, random);
    this.#write(batch, start, passages, untie(passages, own, untying.keepsOrder));
  }

  /** Passages that fill one sequence together with their sentinels. @param mostChunks of each */
  #drawPassages(mostChunks: number, random: Random): Passage[] {
    const passages: Passage[] = [];
    let start = 0;
    let room = this.#packing.contextLength;
    while (room > 0) {
      const domain = this.#drawDomain(room, random);
      const reader = this.#packing.readers[domain]!;
      const rest = room - sentinelCount(mostChunks);
      const canCut = rest >= Math.max(mostChunks, reader.smallestRoom);
      const count = reader.read(this.#drawn, start, canCut ? rest : room);
      const chunks = canCut && count >= mostChunks ? mostChunks : 1;
      const end = start + count;
      passages.push({ domain, start, end, chunks, following: reader.following() });
      const taken = count + sentinelCount(chunks);
      this.#given[domain]! += taken;
      room -= taken;
      start = end;
    }
    return passages;
  }

  /** Lays the chunks out from `start` on, in their order. */
  #write(
    batch: Batch,
    start: number,
    passages: readonly Passage[],
    chunks: readonly Chunk[],
  ): void {
    const { tokens, targets, documents, domains } = batch;
    let at = start;
    let before: Chunk | undefined;
    for (const chunk of chunks) {
      const { domain, following } = passages[chunk.passage]!;
      const first = at;
      if (chunk.head !== undefined) tokens[at++] = chunk.head;
      tokens.set(this.#drawn.subarray(chunk.start, chunk.end), at);
      at += chunk.end - chunk.start;
      if (chunk.tail !== undefined) tokens[at++] = chunk.tail;
      documents.fill(chunk.passage, first, at);
      domains.fill(domain, first, at);

      targets.set(tokens.subarray(first + 1, at), first);
      targets[at - 1] = following ?? IGNORED;
      if (chunk.head !== undefined) targets[first] = IGNORED;
      if (chunk.tail !== undefined) targets.fill(IGNORED, at - 2, at);
      // Only a closed document lies between two chunks without a sentinel.
      const joins = before && before.tail === undefined && chunk.head === undefined;
      if (joins && !this.#packing.intraDocumentMask) targets[first - 1] = tokens[first]!;
      before = chunk;
    }
  }

  /**
   * Draws a domain in proportion to how far it lies behind its share, as if one more sequence had
   * been given. The tokens of a domain therefore never stray from its share by more than a few
   * sequences, however long its documents are.
   */
  #drawDomain(room: number, random: Random): number {
    const { readers, shares, contextLength } = this.#packing;
    const total = this.#given.reduce((sum, tokens) => sum + tokens, contextLength);
    const fits = shares.map((_, domain) => (readers[domain]?.smallestRoom ?? Infinity) <= room);
    const behind = shares.map((share, domain) =>
      fits[domain] ? Math.max(0, share * total - this.#given[domain]!) : 0,
    );
    // When only domains that are ahead can use so little room, their shares decide.
    const odds = behind.some((lag) => lag > 0)
      ? behind
      : shares.map((share, domain) => (fits[domain] ? share : 0));
    let drawn = random.unit() * odds.reduce((sum, odd) => sum + odd, 0);
    let last = 0;
    for (const [domain, odd] of odds.entries()) {
      if (odd === 0) continue;
      if (drawn < odd) return domain;
      drawn -= odd;
      last = domain;
    }
    return last; // rounding can leave a little over
  }
}
