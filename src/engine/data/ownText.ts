/** @file What the visitor may add as a text of their own, and why something is refused. */

/** A text that cannot be added, or that is needed and was not. The message is for a person. */
export class TextError extends Error {
  override readonly name = 'TextError';
}

/** Bytes of the largest text. */
const mostBytes = 100_000_000;
/** Bytes that are looked at to tell text from other files. */
const surveyedBytes = 65_536;
/** Share of them that may be no text. A little is forgiven: form feeds, a cut letter, old encodings. */
const mostForeignShare = 0.05;

const byteOrderMark = [0xef, 0xbb, 0xbf] as const;
const tab = 9;
const carriageReturn = 13;
const escapeByte = 27;
const space = 32;
const del = 127;

/**
 * The bytes to train on: what was given, less a UTF-8 byte order mark. The view is on the same memory.
 * @param name as the visitor knows it; it opens the message.
 * @throws {TextError} on an empty text, one over 100 MB, or one that is no UTF-8 text.
 */
export function checkOwnText(name: string, bytes: Uint8Array): Uint8Array {
  const refuse = (why: string): never => {
    throw new TextError(`${name} was not added. ${why}`);
  };
  if (bytes.length > mostBytes) {
    refuse(`It has ${megabytes(bytes.length)} MB; up to ${megabytes(mostBytes)} MB can be added.`);
  }
  const isMarked = byteOrderMark.every((byte, index) => bytes[index] === byte);
  const text = isMarked ? bytes.subarray(byteOrderMark.length) : bytes;
  if (text.every((byte) => byte === space || (byte >= tab && byte <= carriageReturn))) {
    refuse('There is no text in it.');
  }
  const why = foreignness(text);
  if (why) refuse(`${why} Plain text in any language works, up to ${megabytes(mostBytes)} MB.`);
  const nul = text.indexOf(0);
  if (nul >= 0) {
    refuse(
      `Its byte ${nul.toLocaleString('en')} is a 0, which marks the end of a document here. Save it as plain text without it.`,
    );
  }
  return text;
}

const megabytes = (bytes: number): string =>
  (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 });

/** Why the beginning of `text` is no UTF-8 text, in sentences; undefined when it is. */
function foreignness(text: Uint8Array): string | undefined {
  const head = text.subarray(0, surveyedBytes);
  const where = text.length > surveyedBytes ? 'its first 64 KiB' : 'its bytes';
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isUtf16) return 'It is UTF-16 text; save it as UTF-8.';
  const percent = (count: number) => Math.round((100 * count) / head.length);
  const control = head.reduce((count, byte) => count + Number(isControl(byte)), 0);
  if (control > mostForeignShare * head.length) {
    return `It is not text: ${percent(control)} % of ${where} are control bytes.`;
  }
  const invalid = invalidUtf8(head);
  if (invalid > mostForeignShare * head.length) {
    return `It is not UTF-8 text: ${percent(invalid)} % of ${where} belong to no letter. Save it as UTF-8.`;
  }
  return undefined;
}

const isControl = (byte: number): boolean =>
  (byte < space && !(byte >= tab && byte <= carriageReturn) && byte !== escapeByte) || byte === del;

/** Bytes that belong to no letter (RFC 3629, section 4); one that the end cuts off is forgiven. */
function invalidUtf8(bytes: Uint8Array): number {
  let invalid = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = letterLength(bytes, at);
    if (length === 0) invalid += 1;
    at += Math.max(1, length);
  }
  return invalid;
}

/** Bytes of the letter that begins at `at`; 0 when none does. */
function letterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) break;
    const [low, high] = index === 1 ? secondByteRange(first) : [0x80, 0xbf];
    if (byte < low || byte > high) return 0;
  }
  return length;
}

/** Shuts out overlong forms, surrogates and what lies behind the last letter. */
function secondByteRange(first: number): readonly [number, number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  if (first === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}
