/**
 * @file Untie the Knots (arXiv:2409.04774): the documents of a sequence are cut into chunks, and these shuffled, so
 * that what belongs together has to be found again over a distance.
 *
 * Where a document was cut stands a sentinel: a tail behind every chunk but its last, a head before every
 * chunk but its first, both numbered by chunk. They are bytes that UTF-8 never has. A chunk's place is known
 * by position, so a text in another encoding, which may hold such bytes, loses nothing.
 *
 * The paper cuts what the sentinels push over the end. Here fewer tokens are drawn in the first place, so
 * that documents and sentinels fill the sequence exactly: nothing is lost. A document with fewer tokens than
 * chunks, or with no room left for its sentinels, stays whole. The last chunk of the last document stays
 * last, so that what is carried over to a later sequence follows the end of this one. The paper's optional
 * task of sorting chunks by name is left out.
 */
import type { Random } from '@/engine/math/random';

/** Tokens of one document, drawn for one sequence. */
export interface Passage {
  readonly domain: number;
  /** Place of its first token among the drawn ones, and one past the last. */
  readonly start: number;
  readonly end: number;
  /** Chunks to cut it into; 1 leaves it whole. */
  readonly chunks: number;
  /** The token of the document behind the passage; undefined where the document ends with it. */
  readonly following: number | undefined;
}

/** A run of a passage's tokens with its sentinels. */
export interface Chunk {
  /** Index of the passage. */
  readonly passage: number;
  readonly start: number;
  readonly end: number;
  readonly head: number | undefined;
  readonly tail: number | undefined;
}

/** Most chunks of a document: the eight bytes from 0xF8 on number four tails and four heads. */
export const mostChunks = 5;
const firstTail = 0xf8;
const firstHead = firstTail + mostChunks - 1;

/** Sentinels that a passage of so many chunks takes. */
export const sentinelCount = (chunks: number): number => 2 * (chunks - 1);

/** Whole passages in their order, as a sequence has them that is not untied. */
export const wholeChunks = (passages: readonly Passage[]): Chunk[] =>
  passages.map(({ start, end }, passage) => ({
    passage,
    start,
    end,
    head: undefined,
    tail: undefined,
  }));

/**
 * The chunks of all passages in a new order; every order that keeps the last one last is equally likely.
 * @param keepsOrder whether the chunks of one passage keep theirs; they still lie among those of others.
 */
export function untie(passages: readonly Passage[], random: Random, keepsOrder: boolean): Chunk[] {
  const chunks = passages.flatMap((passage, index) => cut(passage, index, random));
  const last = chunks.pop()!;
  const shuffled = chunks.slice();
  random.shuffle(shuffled);
  return [...(keepsOrder ? inOrder(shuffled) : shuffled), last];
}

/** Chunks of one passage, cut at distinct places that are all equally likely. */
function cut({ start, end, chunks }: Passage, passage: number, random: Random): Chunk[] {
  const borders = [start, ...drawCuts(start, end, chunks - 1, random), end];
  return Array.from({ length: chunks }, (_, number) => ({
    passage,
    start: borders[number]!,
    end: borders[number + 1]!,
    head: number > 0 ? firstHead + number - 1 : undefined,
    tail: number < chunks - 1 ? firstTail + number : undefined,
  }));
}

/** `count` distinct places between `start` and `end`, rising (Floyd's sampling). */
function drawCuts(start: number, end: number, count: number, random: Random): number[] {
  const places = new Set<number>();
  for (let latest = end - count; latest < end; latest++) {
    const drawn = random.between(start + 1, latest);
    places.add(places.has(drawn) ? latest : drawn);
  }
  return [...places].sort((one, other) => one - other);
}

/** The same chunks; where those of a passage stand, they now stand in their order. */
function inOrder(chunks: readonly Chunk[]): Chunk[] {
  const queues: Chunk[][] = [];
  for (const chunk of chunks.slice().sort((one, other) => one.start - other.start)) {
    queues[chunk.passage] ??= [];
    queues[chunk.passage]!.push(chunk);
  }
  return chunks.map(({ passage }) => queues[passage]!.shift()!);
}
