/**
 * @file Reads the safetensors format: eight bytes of header length, a JSON header, then the data of all tensors
 * without a gap. https://github.com/huggingface/safetensors, section "Format". A file may come from anybody: nothing
 * is believed before it was checked, and no tensor is copied before somebody asks for its values.
 */

export type SafeDtype = 'F32' | 'F16' | 'BF16' | 'I32' | 'U32';

export interface SafeTensor {
  readonly dtype: SafeDtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major; a view of the file. */
  readonly bytes: Uint8Array;
}

/** A file that does not hold what its header says; the message is for a person. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

const BYTES: Readonly<Record<SafeDtype, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4, U32: 4 };
/** The format's own bound, in bytes. */
const MAX_HEADER = 100_000_000;
export const PREFIX = 8;
export const METADATA = '__metadata__';
/** Longest part of a name that a message repeats, in letters. */
const MAX_QUOTED_LETTERS = 120;

/**
 * Every tensor by name.
 * @throws {SafetensorsError} on a header that is cut, too long, no JSON or names a tensor twice; on a type that is
 * not known here; on tensors that overlap, leave a gap, or do not fill what their shape needs.
 */
export function readSafetensors(file: Uint8Array): Map<string, SafeTensor> {
  if (file.byteLength < PREFIX) throw new SafetensorsError('the file is shorter than a header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER || PREFIX + headerBytes > file.byteLength) {
    throw new SafetensorsError(
      `the header claims ${headerBytes} bytes; the file has ${file.byteLength}, and no header has over ${MAX_HEADER}`,
    );
  }
  const data = file.subarray(PREFIX + headerBytes);
  const header = parsed(file.subarray(PREFIX, PREFIX + headerBytes));
  const placed = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => placedTensor(name, entry, data));
  expectCovered(placed, data.byteLength);
  return new Map(placed.map(({ name, tensor }) => [name, tensor]));
}

function parsed(header: Uint8Array): Record<string, unknown> {
  let value: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    value = JSON.parse(text);
  } catch {
    // told below, as for any other header that is no object
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SafetensorsError('the header is no JSON object');
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) throw new SafetensorsError(`${quoted(twice)}: is there twice`);
  return value as Record<string, unknown>;
}

/**
 * The first key that a JSON object has twice; a parser keeps the last of them without a word. Letter by letter: a
 * pattern's stack does not bear a text of a hundred megabytes.
 */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const letter = json[at];
    if (letter === '{' || letter === '[') depth++;
    else if (letter === '}' || letter === ']') depth--;
    if (letter !== '"') continue;
    const start = at;
    for (at++; json[at] !== '"'; at++) if (json[at] === '\\') at++;
    if (depth !== 1 || !isBeforeColon(json, at + 1)) continue;
    const key = JSON.parse(json.slice(start, at + 1)) as string;
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

function isBeforeColon(json: string, at: number): boolean {
  let next = at;
  while (' \t\n\r'.includes(json[next]!)) next++;
  return json[next] === ':';
}

interface PlacedTensor {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly tensor: SafeTensor;
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

function placedTensor(key: string, entry: unknown, data: Uint8Array): PlacedTensor {
  const name = quoted(key);
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    const known = Object.keys(BYTES).join(', ');
    throw new SafetensorsError(`${name}: type ${quoted(String(dtype))} is not one of ${known}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw new SafetensorsError(`${name}: has no shape`);
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount)) {
    throw new SafetensorsError(`${name}: has no place in the file`);
  }
  const [start, end] = range as [number, number];
  const want = shape.reduce((a, b) => a * b, BYTES[dtype as SafeDtype]);
  if (end - start !== want || end > data.byteLength) {
    throw new SafetensorsError(
      `${name}: [${quoted(shape.join(', '))}] needs ${want} bytes; bytes ${start} to ${end} of ${data.byteLength} are given`,
    );
  }
  const tensor = { dtype: dtype as SafeDtype, shape, bytes: data.subarray(start, end) };
  return { name: key, start, end, tensor };
}

/** Every byte of the data belongs to one tensor. */
function expectCovered(placed: readonly PlacedTensor[], length: number): void {
  const ordered = [...placed].sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  let before = 'the header';
  for (const { name, start, end: next } of ordered) {
    if (start < end) throw new SafetensorsError(`${quoted(name)}: overlaps ${quoted(before)}`);
    if (start > end) throw gap(end, start);
    end = next;
    before = name;
  }
  if (end !== length) throw gap(end, length);
}

const gap = (from: number, to: number) =>
  new SafetensorsError(`bytes ${from} to ${to} of the data belong to no tensor`);

/** Words of a file's own, short and without letters that steer the text around them. */
export function quoted(words: string): string {
  const plain = words.slice(0, MAX_QUOTED_LETTERS).replace(/\p{C}/gu, '');
  return words.length > MAX_QUOTED_LETTERS ? `${plain}…` : plain;
}

/** Bits that are all set where a value is infinite or no number: of its last byte, and of the one before. */
const EXPONENT: Readonly<Partial<Record<SafeDtype, readonly [number, number]>>> = {
  F32: [0x7f, 0x80],
  BF16: [0x7f, 0x80],
  F16: [0x7c, 0],
};

/** Place of the first element that is infinite or no number; undefined where there is none. */
export function firstNotFinite({ dtype, bytes }: SafeTensor): number | undefined {
  const size = BYTES[dtype];
  const [last, before] = EXPONENT[dtype] ?? [0x100, 0];
  for (let at = size - 1; at < bytes.length; at += size) {
    if ((bytes[at]! & last) === last && (bytes[at - 1]! & before) === before)
      return (at + 1) / size - 1;
  }
  return undefined;
}

/** Values as float32; bf16 and f16 are widened, integers converted. */
export const toFloat32 = (tensor: SafeTensor): Float32Array =>
  float32Range(tensor, 0, tensor.bytes.byteLength / BYTES[tensor.dtype]);

/** Values of `count` elements from `start` on, as `toFloat32`. */
export function float32Range(
  { dtype, bytes }: SafeTensor,
  start: number,
  count: number,
): Float32Array {
  const size = BYTES[dtype];
  // A copy that starts at 0 of its own buffer; Node's Buffer.slice would share the whole file's.
  const own = new Uint8Array(bytes.subarray(start * size, (start + count) * size));
  switch (dtype) {
    case 'F32':
      return new Float32Array(own.buffer);
    case 'I32':
      return Float32Array.from(new Int32Array(own.buffer));
    case 'U32':
      return Float32Array.from(new Uint32Array(own.buffer));
    case 'BF16': {
      const wide = Uint32Array.from(new Uint16Array(own.buffer), (word) => word << 16);
      return new Float32Array(wide.buffer);
    }
    case 'F16':
      return Float32Array.from(new Uint16Array(own.buffer), halfToNumber);
  }
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
