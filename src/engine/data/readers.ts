/** @file What a stream of one domain's documents is, and what its kinds have in common. */
import { Random, type RandomState } from '@/engine/math/random';
import { type Documents, endOfDocument } from './documents';

export interface DocumentReader {
  /** Least room that a reading makes sense with, in tokens. */
  readonly smallestRoom: number;
  /** Told before each sequence of the stream, counted from 0, where it matters to the reader. */
  startSequence?(sequence: number): void;
  /**
   * Writes the next tokens of one document to `tokens` from `at` on, up to `room` of them or to the
   * document's closing 0, whichever comes first.
   * @returns how many, at least 1.
   */
  read(tokens: Uint32Array, at: number, room: number): number;
  /** The token behind the last reading; undefined when that one closed its document. */
  following(): number | undefined;
}

/** A reader that can go on from where it or an equal one once was. */
export interface ResumableReader extends DocumentReader {
  /** Plain JSON. */
  cursor(): ReaderCursor;
  /** @throws {CursorError} when `cursor` points outside of this reader's documents; nothing has moved then. */
  seek(cursor: unknown): void;
}

/** Letters of a refused cursor that a message shows. */
const longestQuote = 200;

/** Whole numbers whose meaning is the reader's own. */
export type ReaderCursor = readonly number[];

/** A position that does not belong to these data. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
}

/** Whether `value` can count something or be a place: a whole number of 0 or more. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** @throws {CursorError} unless `cursor` is whole numbers of 0 or more: `count` of them, where it is given. */
export function expectNumbers(
  cursor: unknown,
  count?: number,
): asserts cursor is readonly number[] {
  const isWhole = Array.isArray(cursor) && cursor.every(isCount);
  if (isWhole && cursor.length === (count ?? cursor.length)) return;
  const got = JSON.stringify(cursor)?.slice(0, longestQuote);
  throw new CursorError(
    `data cursor: want ${count ?? 'some'} whole numbers for a reader, got ${got}`,
  );
}

/** A generator that goes on from `words`. @throws {CursorError} unless they are the state of one. */
export function randomFrom(words: unknown): Random {
  try {
    return Random.fromState(words as RandomState);
  } catch {
    throw new CursorError('data cursor: the state of its random numbers is missing or damaged');
  }
}

/** Copies one document's tokens from `offset` on; its closing 0 follows its bytes. */
export function copyDocument(
  { bytes, starts, ends }: Documents,
  document: number,
  offset: number,
  tokens: Uint32Array,
  at: number,
  room: number,
): number {
  const from = starts[document]! + offset;
  const left = ends[document]! - from;
  const count = Math.min(left, room);
  for (let index = 0; index < count; index++) tokens[at + index] = bytes[from + index]!;
  if (left >= room) return count;
  tokens[at + count] = endOfDocument;
  return count + 1;
}

/** Tokens of a document, its closing 0 included. */
export const tokenCount = ({ starts, ends }: Documents, document: number): number =>
  ends[document]! - starts[document]! + 1;

/** The token at `offset` of a document: a byte of it, or its closing 0. */
export function tokenAt(
  { bytes, starts, ends }: Documents,
  document: number,
  offset: number,
): number {
  const place = starts[document]! + offset;
  return place < ends[document]! ? bytes[place]! : endOfDocument;
}
