/** @file A document that was read in part: which one, and how far. Never a copy of its text. */
import type { Documents } from './documents';
import { CursorError, copyDocument, tokenAt, tokenCount } from './readers';

export interface OpenDocument {
  readonly document: number;
  /** Tokens read, from the first on; it only ever grows. */
  head: number;
}

/** Numbers of an open document in a cursor: the document and its head. */
export const openDocumentLength = 2;

/** Reads on, up to `room` tokens or the closing 0. @returns how many */
export function readOn(
  documents: Documents,
  open: OpenDocument,
  tokens: Uint32Array,
  at: number,
  room: number,
): number {
  const count = copyDocument(documents, open.document, open.head, tokens, at, room);
  open.head += count;
  return count;
}

/** The token that comes next; undefined when the closing 0 was read. */
export const nextToken = (
  documents: Documents,
  { document, head }: OpenDocument,
): number | undefined =>
  head < tokenCount(documents, document) ? tokenAt(documents, document, head) : undefined;

/**
 * The open documents that the numbers of a cursor name.
 * @param members documents that may be open.
 * @throws {CursorError} on a document that is none of them, or one without the token that comes next.
 */
export function openDocumentsOf(
  numbers: readonly number[],
  documents: Documents,
  members: ReadonlySet<number>,
): OpenDocument[] {
  return Array.from({ length: numbers.length / openDocumentLength }, (_, index) => {
    const document = numbers[openDocumentLength * index]!;
    const head = numbers[openDocumentLength * index + 1]!;
    if (!members.has(document))
      throw new CursorError(`data cursor: there is no document ${document}`);
    if (head >= tokenCount(documents, document))
      throw new CursorError(`data cursor: document ${document} has no token ${head}`);
    return { document, head };
  });
}
