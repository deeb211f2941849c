/**
 * @file The safetensors format: eight bytes of header length, a JSON header, then the data of all tensors.
 * https://github.com/huggingface/safetensors, section "Format".
 */

export type SafeDtype = 'F32' | 'F16' | 'BF16' | 'I32' | 'U32';

export interface SafeTensor {
  readonly dtype: SafeDtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** A file that does not hold what its header says; the message is for a person. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

const BYTES: Readonly<Record<SafeDtype, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4, U32: 4 };
const MAX_HEADER = 100 * 2 ** 20;
const PREFIX = 8;

/** @throws {SafetensorsError} on a header that is cut, lies, or names a type that is not known here. */
export function readSafetensors(file: Uint8Array): Map<string, SafeTensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.byteLength < PREFIX) throw new SafetensorsError('the file is shorter than a header');
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER || PREFIX + headerBytes > file.byteLength) {
    throw new SafetensorsError(
      `the header claims ${headerBytes} bytes, the file has ${file.byteLength}`,
    );
  }
  const data = file.subarray(PREFIX + headerBytes);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, entry] of Object.entries(parsed(file.subarray(PREFIX, PREFIX + headerBytes)))) {
    if (name !== '__metadata__') tensors.set(name, tensorOf(name, entry, data));
  }
  return tensors;
}

function parsed(header: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // told below, as for any other header that is no object
  }
  throw new SafetensorsError('the header is no JSON object');
}

function tensorOf(name: string, entry: unknown, data: Uint8Array): SafeTensor {
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    throw new SafetensorsError(
      `${name}: type ${String(dtype)} is not one of ${Object.keys(BYTES).join(', ')}`,
    );
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
      `${name}: [${shape.join(', ')}] needs ${want} bytes, bytes ${start} to ${end} are given`,
    );
  }
  return { dtype: dtype as SafeDtype, shape: shape as number[], bytes: data.subarray(start, end) };
}

/** Values as float32; bf16 and f16 are widened, integers converted. */
export function toFloat32({ dtype, bytes }: SafeTensor): Float32Array {
  // A copy that starts at 0 of its own buffer; Node's Buffer.slice would share the whole file's.
  const own = new Uint8Array(bytes);
  switch (dtype) {
    case 'F32':
      return new Float32Array(own.buffer);
    case 'I32':
      return Float32Array.from(new Int32Array(own.buffer));
    case 'U32':
      return Float32Array.from(new Uint32Array(own.buffer));
    case 'BF16': {
      const words = new Uint16Array(own.buffer);
      const wide = Uint32Array.from(words, (word) => word << 16);
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
