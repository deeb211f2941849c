/**
 * @file Recall texts: pairs of a key and a value hidden in filler, asked for later in the same text.
 *
 *   the [Kv] calm sea and [Qz] wind … [Qz][Kv]
 *
 * A question looks like the pair it asks for, so its value is what an induction head predicts. The
 * training documents here and the probe in `needles.ts` are composed by the same function: inside the
 * training length the probe asks nothing that training has not shown.
 */
import type { Random } from '@/engine/math/random';

/** One symbol of each is a byte. No filler holds a key or a bracket. */
const keyAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const valueAlphabet = 'abcdefghijklmnopqrstuvwxyz';
const fillerText =
  'the a calm grey old long sea sky sand wind rain road stone river field house was and then slow far so';

const bytesOf = (ascii: string): Uint8Array =>
  Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));

const keyBytes = bytesOf(keyAlphabet);
const valueBytes = bytesOf(valueAlphabet);
const fillerWords: readonly Uint8Array[] = fillerText.split(' ').map(bytesOf);
const [openBracket, closeBracket, space] = bytesOf('[] ') as unknown as [number, number, number];

/** Bytes of `[Kv]`. */
export const pairLength = 4;

/** Room for the shortest document: one pair, some filler, one question, the closing 0. */
export const smallestRecallRoom = 24;

/** Most filler between two questions of the sparsest kind of document, bytes. */
const widestQuestionGap = 24;

export interface Pair {
  readonly key: number;
  readonly value: number;
}

/** A pair at a place, in bytes from the start of the text. */
export interface PlacedPair extends Pair {
  readonly offset: number;
}

/** @param count 1 to 32. Keys differ; values differ too while there are letters left. */
export function drawPairs(random: Random, count: number): Pair[] {
  const keys = keyBytes.slice();
  const values = valueBytes.slice();
  random.shuffle(keys);
  random.shuffle(values);
  return Array.from({ length: count }, (_, index) => ({
    key: keys[index]!,
    value: values[index % values.length]!,
  }));
}

/** Offsets for `count` pairs in [from, to), in rising order, no two on the same byte. They must fit. */
export function drawOffsets(random: Random, from: number, to: number, count: number): number[] {
  const slack = to - from - count * pairLength;
  const cuts = Array.from({ length: count }, () => random.between(0, slack));
  return cuts
    .sort((one, other) => one - other)
    .map((cut, index) => from + cut + index * pairLength);
}

/** Writes `pairs`, which stand in order, into tokens [0, length) and filler into every gap. */
export function compose(
  random: Random,
  tokens: Uint32Array,
  length: number,
  pairs: readonly PlacedPair[],
): void {
  let at = 0;
  for (const { offset, key, value } of pairs) {
    writeFiller(random, tokens, at, offset);
    tokens.set([openBracket, key, value, closeBracket], offset);
    at = offset + pairLength;
  }
  writeFiller(random, tokens, at, length);
}

/** `[K`, and the value that belongs behind it. */
export function writeQuestion(tokens: Uint32Array, offset: number, { key, value }: Pair): void {
  tokens.set([openBracket, key, value], offset);
}

/** Words between single spaces; the last one is cut where the gap ends. */
function writeFiller(random: Random, tokens: Uint32Array, from: number, to: number): void {
  let at = from;
  while (at < to) {
    if (at > 0) tokens[at++] = space;
    const word = random.pick(fillerWords);
    for (let index = 0; index < word.length && at < to; index++) tokens[at++] = word[index]!;
  }
  if (to > from) tokens[to - 1] = space;
}

/**
 * One training document, without its closing 0: pairs in the front, questions behind them.
 *
 * How hard it is, is drawn for each document. Questions: from half of the text, one after the other,
 * to a single one at the very end; single ones alone are not learned by a small model, dense ones are
 * and carry the others along, so squaring leans towards dense. Pairs: from one to `mostPairs`, all
 * alike; without the documents of one pair, finding anything at all is learned late, and where they
 * are most, a model contents itself with copying any value.
 * @param length bytes, at least `smallestRecallRoom` − 1
 * @param mostPairs 1 to 32
 */
export function recallDocument(random: Random, length: number, mostPairs: number): Uint32Array {
  const sparseness = random.unit() ** 2;
  const latest = length - pairLength;
  const front = Math.min(latest, Math.floor((length * (1 + sparseness)) / 2));
  const count = random.between(1, Math.min(mostPairs, Math.floor(front / pairLength)));
  const pairs = drawPairs(random, count);
  const offsets = drawOffsets(random, 0, front, count);
  const hidden = pairs.map((pair, index) => ({ ...pair, offset: offsets[index]! }));

  const widestGap = Math.floor(sparseness * widestQuestionGap);
  const asked: PlacedPair[] = [];
  let round: Pair[] = [];
  for (let offset = latest; offset >= front; offset -= pairLength + random.between(0, widestGap)) {
    if (round.length === 0) {
      round = [...pairs];
      random.shuffle(round);
    }
    asked.push({ ...round.pop()!, offset });
  }
  const tokens = new Uint32Array(length);
  compose(random, tokens, length, [...hidden, ...asked.reverse()]);
  return tokens;
}

/**
 * How many bytes of `room` the next document takes, its closing 0 included: all of it half of the
 * time, else any number that leaves nothing or enough for another document.
 */
export function drawRecallRoom(random: Random, room: number): number {
  const longest = room - smallestRecallRoom;
  if (longest < smallestRecallRoom || random.unit() < 0.5)
    return Math.max(room, smallestRecallRoom);
  return random.between(smallestRecallRoom, longest);
}
