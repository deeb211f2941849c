/** @file What a training step eats. Types only. Letters: B sequences, S tokens in a sequence. */

/** One micro-batch's tokens, row-major [B, S]; an optimizer step takes one or more. */
export interface Batch {
  readonly tokens: Uint32Array;
  /** The next token; `IGNORED` where there is none to learn. */
  readonly targets: Uint32Array;
  /** Document index inside the sequence: equal means the same document. */
  readonly documents: Uint32Array;
  /** Index of the domain that the token came from. */
  readonly domains: Uint32Array;
}

/** A target that counts for nothing: no loss, no gradient. */
export const IGNORED = 0xffff_ffff;

/** A stream of batches; equal seeds give equal streams. */
export interface BatchSource {
  next(): Promise<Batch>;
  /** Everything needed to go on from here: plain JSON. */
  cursor(): Promise<unknown>;
  /** Goes on from a cursor of an equal source. */
  seek(cursor: unknown): Promise<void>;
}
