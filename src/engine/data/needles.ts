/**
 * @file The needle probe's texts: filler with hidden pairs, one of them asked for at the very end.
 * Made of the same parts as the recall domain, from seeds that training never uses.
 */
import { Random } from '@/engine/math/random';
import {
  compose,
  drawOffsets,
  drawPairs,
  type PlacedPair,
  pairLength,
  writeQuestion,
} from './recall';

/** Shortest text a probe can have, bytes. */
export const shortestNeedleText = 32;

const answerLength = 1;
/** `[K` and the answer. */
const questionLength = 2 + answerLength;
/** Depths become whole numbers before they seed a text. */
const depthSteps = 65_536;

export interface NeedleRequest {
  /** Bytes of the text, question and answer included; at least `shortestNeedleText`. */
  readonly length: number;
  /** Place of the asked-for pair: 0 is the start of the text, 1 right before the question. */
  readonly depth: number;
  /** Pairs hidden, 1 to 32; `needleText` hides fewer where the text is too short for them. */
  readonly keys: number;
  readonly seed: number;
  /** Which of the texts of this cell, from 0. */
  readonly trial: number;
}

export interface NeedleText {
  /** [length]; tokens from `answerStart` on are what is to be predicted from those before. */
  readonly tokens: Uint32Array;
  readonly answerStart: number;
  readonly answerLength: number;
  /** Pairs that the text really holds. */
  readonly keys: number;
}

/**
 * The text of one trial; equal requests give equal texts.
 * @throws {RangeError} on a length below `shortestNeedleText` or a depth outside 0 to 1.
 */
export function needleText({ length, depth, keys, seed, trial }: NeedleRequest): NeedleText {
  if (!(length >= shortestNeedleText)) {
    throw new RangeError(`needle length: want at least ${shortestNeedleText}, got ${length}`);
  }
  if (!(depth >= 0 && depth <= 1)) {
    throw new RangeError(`needle depth: want 0 to 1, got ${depth}`);
  }
  const random = Random.seeded(seed).split(
    'needles',
    length,
    Math.round(depth * depthSteps),
    keys,
    trial,
  );
  const body = length - questionLength;
  const askedOffset = Math.round(depth * (body - pairLength));
  const offsets = offsetsAround(random, askedOffset, body, keys - 1);
  const pairs = drawPairs(random, offsets.length);
  const placed = offsets.map((offset, index): PlacedPair => ({ ...pairs[index]!, offset }));
  const asked = placed.find(({ offset }) => offset === askedOffset)!;

  const tokens = new Uint32Array(length);
  compose(random, tokens, body, placed);
  writeQuestion(tokens, body, asked);
  return { tokens, answerStart: length - answerLength, answerLength, keys: placed.length };
}

/** The asked-for offset and up to `others` more on both sides of it, rising. */
function offsetsAround(random: Random, asked: number, body: number, others: number): number[] {
  const behind = asked + pairLength;
  let roomBefore = Math.floor(asked / pairLength);
  let roomBehind = Math.floor((body - behind) / pairLength);
  let before = 0;
  const count = Math.min(others, roomBefore + roomBehind);
  for (let index = 0; index < count; index++) {
    if (random.below(roomBefore + roomBehind) < roomBefore) {
      before += 1;
      roomBefore -= 1;
    } else {
      roomBehind -= 1;
    }
  }
  return [
    ...drawOffsets(random, 0, asked, before),
    asked,
    ...drawOffsets(random, behind, body, count - before),
  ];
}

export interface NeedleGridShape {
  /** Context lengths, rising; the training length is among them unless it is below the shortest. */
  readonly lengths: readonly number[];
  readonly depths: readonly number[];
}

/** Lengths of a grid as multiples of the training length. */
const lengthMultiples = [0.25, 0.5, 1, 2, 4];

/** The cells that a probe measures for a run with that training length, up to four times it. */
export function needleGridShape(contextLength: number): NeedleGridShape {
  const lengths = lengthMultiples.map((multiple) =>
    Math.max(shortestNeedleText, Math.round(multiple * contextLength)),
  );
  return { lengths: [...new Set(lengths)], depths: [0, 0.25, 0.5, 0.75, 1] };
}
