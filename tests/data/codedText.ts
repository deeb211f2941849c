/**
 * A text whose every byte tells its document and its place in it, for tests that follow each token: token
 * `place` of `document` is 1 + 16 · document + place. None is a sentinel.
 */
import type { Documents } from '@/engine/data/documents';

/** Most documents of such a text, and most bytes of one. */
export const mostDocuments = 15;
export const mostBytes = 15;

/** The bytes of a corpus with documents of these lengths, each closed by a 0. */
export const codedCorpus = (lengths: readonly number[]): Uint8Array =>
  Uint8Array.from(
    lengths.flatMap((length, document) => [
      ...Array.from({ length }, (_, place) => 1 + 16 * document + place),
      0,
    ]),
  );

export function codedDocuments(lengths: readonly number[]): Documents {
  const starts = lengths.map((_, index) =>
    lengths.slice(0, index).reduce((sum, length) => sum + length + 1, 0),
  );
  return {
    bytes: codedCorpus(lengths),
    starts: Uint32Array.from(starts),
    ends: Uint32Array.from(lengths, (length, index) => starts[index]! + length),
  };
}

/** A document's tokens with its closing 0. */
export const tokensOf = ({ bytes, starts, ends }: Documents, document: number): number[] => [
  ...bytes.subarray(starts[document], ends[document]),
  0,
];

export const documentOf = (token: number): number => (token - 1) >> 4;
export const placeOf = (token: number): number => (token - 1) & 15;
