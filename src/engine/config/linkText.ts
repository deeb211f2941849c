/**
 * @file The letters of a link: JSON packed into base64url, and back, for text that anyone may have
 * written.
 *
 *   base64url (RFC 4648, section 5, no padding) of
 *     CRC-32 of what follows, 4 bytes, big-endian · the JSON in raw deflate (RFC 1951)
 *
 * The sum stands in front, so that a text that was cut still begins right: what then fails is the
 * end of the deflate stream, and cut can be told from changed.
 */
import { deflateSync, type FlateError, FlateErrorCode, Inflate } from 'fflate';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES: ReadonlyMap<string, number> = new Map([...ALPHABET].map((c, value) => [c, value]));

const SUM_BYTES = 4;
/** Most bytes that a link may unpack to; a thousand live changes take about 50 KiB. */
const MAX_JSON_BYTES = 256 * 1024;
/** Packed bytes handed on at a time: deflate grows at most 1032-fold, so each adds at most 264 KiB. */
const STEP_BYTES = 256;
/** CRC-32 of IEEE 802.3, bits reversed. */
const POLYNOMIAL = 0xedb8_8320;

/** Why a text is no link. The message is one sentence for a person. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

const cut = () =>
  new LinkError('It ends in the middle, so it was probably cut when it was copied.');
const changed = () => new LinkError('Some of its letters were changed on the way.');
const bloated = () =>
  new LinkError(`It unpacks to more than ${MAX_JSON_BYTES / 1024} KiB, more than any experiment.`);

/**
 * `json` in letters, digits, `-` and `_`.
 * @throws {LinkError} where it is longer than `unpackText` would take.
 */
export function packText(json: string): string {
  const plain = new TextEncoder().encode(json);
  if (plain.length > MAX_JSON_BYTES) throw bloated();
  const body = deflateSync(plain, { level: 9 });
  const packed = new Uint8Array(SUM_BYTES + body.length);
  new DataView(packed.buffer).setUint32(0, crc32(body));
  packed.set(body, SUM_BYTES);
  return toBase64Url(packed);
}

/**
 * What `packText` was given. Time and memory stay bounded whatever `letters` hold.
 * @throws {LinkError} where it was cut, changed, or made to unpack without end.
 */
export function unpackText(letters: string): string {
  const { bytes, isExact } = fromBase64Url(letters);
  if (bytes.length <= SUM_BYTES) throw cut();
  const sum = new DataView(bytes.buffer).getUint32(0);
  const body = bytes.subarray(SUM_BYTES);
  const isWhole = isExact && crc32(body) === sum;
  const json = inflate(body);
  if (!isWhole) throw changed();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch {
    throw changed();
  }
}

function inflate(packed: Uint8Array): Uint8Array {
  const json = new Uint8Array(MAX_JSON_BYTES);
  let length = 0;
  const stream = new Inflate((chunk) => {
    if (length + chunk.length > MAX_JSON_BYTES) throw bloated();
    json.set(chunk, length);
    length += chunk.length;
  });
  try {
    for (let start = 0; start < packed.length; start += STEP_BYTES) {
      const end = start + STEP_BYTES;
      stream.push(packed.subarray(start, end), end >= packed.length);
    }
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw (error as FlateError).code === FlateErrorCode.UnexpectedEOF ? cut() : changed();
  }
  return json.subarray(0, length);
}

function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff;
    bitCount += 8;
    while (bitCount >= 6) {
      bitCount -= 6;
      text += ALPHABET[(bits >> bitCount) & 63];
    }
  }
  return bitCount > 0 ? text + ALPHABET[(bits << (6 - bitCount)) & 63] : text;
}

/** `isExact`: no bit is left over but zeros, as the writer leaves it. */
function fromBase64Url(text: string): { bytes: Uint8Array<ArrayBuffer>; isExact: boolean } {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8));
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (const letter of text) {
    const value = VALUES.get(letter);
    if (value === undefined) throw changed();
    bits = ((bits << 6) | value) & 0xffff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[length++] = bits >> bitCount;
  }
  return { bytes, isExact: bitCount < 6 && (bits & ((1 << bitCount) - 1)) === 0 };
}

function crc32(bytes: Uint8Array): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? POLYNOMIAL : 0);
  }
  return ~sum >>> 0;
}
