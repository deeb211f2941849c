/** @file Where the documents of a text begin and end, and which of them are held out. */

/** The token that closes every document. No text holds it. */
export const endOfDocument = 0;

/** Documents inside one run of bytes; the closing 0 is no part of them. */
export interface Documents {
  readonly bytes: Uint8Array;
  /** First byte of each document. */
  readonly starts: Uint32Array;
  /** One past the last byte of each document. */
  readonly ends: Uint32Array;
}

/** Which share of the documents a stream may see. */
export type Split = 'training' | 'heldOut';

/** One document in so many is held out. */
const heldOutEvery = 20;
/** Place of the held-out one among them: not the first, which is often a preface. */
const heldOutPlace = 10;

/** Pieces that a visitor's text is cut into, at the least, when it is long enough. */
const fewestPieces = 40;
const shortestPieceBytes = 512;
const longestPieceBytes = 8192;

const lineFeed = 10;

export class CorpusError extends Error {
  override readonly name = 'CorpusError';
}

/**
 * The documents of a shipped corpus: each is closed by a byte 0.
 * @throws {CorpusError} when the last byte is not 0, so that a page of HTML or half a file is not
 * trained on by mistake.
 */
export function splitCorpus(name: string, bytes: Uint8Array | undefined): Documents {
  if (bytes?.at(-1) !== endOfDocument) {
    throw new CorpusError(
      `The text "${name}" is damaged: it does not end with the end of a document. Reload the page, or set its share to 0.`,
    );
  }
  const starts: number[] = [];
  const ends: number[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(endOfDocument, start);
    if (end > start) {
      starts.push(start);
      ends.push(end);
    }
    start = end + 1;
  }
  return { bytes, starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

/**
 * A visitor's text, cut into pieces at line ends, so that a part can be held out. A piece ends with
 * the first line that fills it; a line longer than that is cut in front of a letter.
 */
export function splitOwnText(bytes: Uint8Array): Documents {
  const fair = Math.floor(bytes.length / fewestPieces);
  const pieceBytes = Math.min(longestPieceBytes, Math.max(shortestPieceBytes, fair));
  const borders: number[] = [0];
  let start = 0;
  while (start < bytes.length) {
    const end = pieceEnd(bytes, start, pieceBytes);
    borders.push(end);
    start = end;
  }
  return {
    bytes,
    starts: Uint32Array.from(borders.slice(0, -1)),
    ends: Uint32Array.from(borders.slice(1)),
  };
}

function pieceEnd(bytes: Uint8Array, start: number, pieceBytes: number): number {
  const full = start + pieceBytes;
  // What would be left behind is too short for a piece of its own.
  if (full + shortestPieceBytes > bytes.length) return bytes.length;
  const hard = Math.min(bytes.length, full + pieceBytes);
  for (let at = full; at < hard; at++) if (bytes[at - 1] === lineFeed) return at;
  let cut = hard;
  while (cut > full && cut < bytes.length && isContinuation(bytes[cut]!)) cut -= 1;
  return cut;
}

/** Whether `byte` is a later byte of a UTF-8 letter. */
const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/**
 * Indices of the documents of a split, in order: one in twenty is held out, of a few the last, of
 * one none. It depends on nothing but their number.
 */
export function documentsOf(split: Split, documents: Documents): Uint32Array {
  const count = documents.starts.length;
  const isHeldOut = (index: number): boolean => {
    if (count > heldOutPlace) return index % heldOutEvery === heldOutPlace;
    return count > 1 && index === count - 1;
  };
  return Uint32Array.from({ length: count }, (_, index) => index).filter(
    (index) => isHeldOut(index) === (split === 'heldOut'),
  );
}
