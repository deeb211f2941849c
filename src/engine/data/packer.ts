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
 */
import type { Random } from '@/engine/math/random';
import { type Batch, IGNORED } from './batch';
import type { DocumentReader } from './readers';

export interface Packing {
  /** One for each domain; undefined where a domain has nothing to give. */
  readonly readers: readonly (DocumentReader | undefined)[];
  /** Share of the tokens for each domain; 0 where there is no reader. */
  readonly shares: readonly number[];
  readonly batchSequences: number;
  readonly contextLength: number;
  readonly intraDocumentMask: boolean;
}

export class Packer {
  readonly #packing: Packing;
  /** Tokens given so far, by domain. */
  readonly #given: number[];

  constructor(packing: Packing, given: readonly number[] = packing.shares.map(() => 0)) {
    this.#packing = packing;
    this.#given = [...given];
  }

  given(): readonly number[] {
    return [...this.#given];
  }

  /** The next batch; `random` draws the domains. */
  pack(random: Random): Batch {
    const { batchSequences, contextLength } = this.#packing;
    const size = batchSequences * contextLength;
    const batch: Batch = {
      tokens: new Uint32Array(size),
      targets: new Uint32Array(size),
      documents: new Uint32Array(size),
      domains: new Uint32Array(size),
    };
    for (let start = 0; start < size; start += contextLength) {
      this.#fill(batch, start, start + contextLength, random);
    }
    return batch;
  }

  #fill(
    { tokens, targets, documents, domains }: Batch,
    start: number,
    end: number,
    random: Random,
  ) {
    let document = 0;
    for (let at = start; at < end; document++) {
      const domain = this.#drawDomain(end - at, random);
      const reader = this.#packing.readers[domain]!;
      const next = at + reader.read(tokens, at, end - at);
      this.#given[domain]! += next - at;
      documents.fill(document, at, next);
      domains.fill(domain, at, next);
      targets.set(tokens.subarray(at + 1, next), at);
      targets[next - 1] = reader.following() ?? IGNORED;
      const joins = at > start && !this.#packing.intraDocumentMask;
      if (joins) targets[at - 1] = tokens[at]!;
      at = next;
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
