/**
 * @file Reads a zip archive from a blob: its directory first, then only the files that are asked for. Nothing
 * is taken on trust: places, sizes and checksums are held against the archive, and no file grows beyond what
 * its entry says. APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
 */
import { crc32 } from './crc32';
import { PickedFilesError } from './errors';
import { type OnBytes, readAll } from './folder';

export interface ZipEntry {
  /** Its path in the archive, with slashes. */
  readonly name: string;
  /** Bytes of the file, as the archive says. */
  readonly size: number;
  /** @throws {PickedFilesError} where the archive lies or is damaged */
  read(signal?: AbortSignal, onBytes?: OnBytes): Promise<Uint8Array<ArrayBuffer>>;
}

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const BEYOND = 0xffffffff;
const ZIP64_FIELD = 1;
const STORED = 0;
const DEFLATED = 8;
/** Bytes out of one byte of deflated data, at most. https://www.zlib.net/zlib_tech.html */
const MAX_DEFLATION = 1032;
/** A directory of a checkpoint has a few kilobytes; one of a whole disk is refused. */
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20;

/** Whether a file begins as zip archives do. */
export async function isZip(blob: Blob): Promise<boolean> {
  const head = await viewOf(blob, 0, 4);
  return head.byteLength === 4 && [LOCAL, END].includes(head.getUint32(0, true));
}

/** The files of an archive, folders left out. @throws {PickedFilesError} */
export async function zipEntries(blob: Blob): Promise<ZipEntry[]> {
  try {
    const { start, bytes } = await findDirectory(blob);
    if (bytes > MAX_DIRECTORY_BYTES) throw broken('its list of files is too long');
    const view = await viewOf(blob, start, bytes);
    if (view.byteLength < bytes) throw broken('its list of files is not where its end says');
    const entries: ZipEntry[] = [];
    for (let at = 0; at < view.byteLength; ) {
      if (view.getUint32(at, true) !== ENTRY) throw broken('its list of files is damaged');
      const head = entryAt(view, at);
      if (!head.name.endsWith('/')) entries.push(readable(blob, head));
      at = head.next;
    }
    return entries;
  } catch (error) {
    // Every place in it is given by the archive itself, so a lie ends outside of the view.
    if (error instanceof RangeError) throw broken('it is cut, or its list of files is damaged');
    throw error;
  }
}

async function viewOf(blob: Blob, start: number, bytes: number): Promise<DataView> {
  return new DataView(await blob.slice(start, start + bytes).arrayBuffer());
}

async function findDirectory(blob: Blob): Promise<{ start: number; bytes: number }> {
  const tailStart = Math.max(0, blob.size - END_BYTES - MAX_COMMENT);
  const tail = await viewOf(blob, tailStart, blob.size - tailStart);
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0) throw broken('it has no end, so it is probably cut, or it is no zip archive');
  const small = { bytes: tail.getUint32(at + 12, true), start: tail.getUint32(at + 16, true) };
  if (small.start !== BEYOND && small.bytes !== BEYOND) return small;
  const locator = await viewOf(blob, tailStart + at - LOCATOR64_BYTES, LOCATOR64_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR64) throw broken('its end is damaged');
  const end = await viewOf(blob, number64(locator, 8), 56);
  if (end.getUint32(0, true) !== END64) throw broken('its end is damaged');
  return { bytes: number64(end, 40), start: number64(end, 48) };
}

interface Head {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
  /** Where the next entry of the directory stands. */
  readonly next: number;
}

function entryAt(view: DataView, at: number): Head {
  const nameBytes = view.getUint16(at + 28, true);
  const extraBytes = view.getUint16(at + 30, true);
  const extraStart = at + ENTRY_BYTES + nameBytes;
  const name = new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_BYTES, nameBytes);
  const large = zip64Values(view, extraStart, extraStart + extraBytes);
  const wide = (value: number) => (value === BEYOND ? (large.shift() ?? value) : value);
  // In this order: the field holds only those of them that did not fit.
  const size = wide(view.getUint32(at + 24, true));
  const packed = wide(view.getUint32(at + 20, true));
  const offset = wide(view.getUint32(at + 42, true));
  return {
    name: new TextDecoder().decode(name),
    isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed,
    size,
    offset,
    next: extraStart + extraBytes + view.getUint16(at + 32, true),
  };
}

function zip64Values(view: DataView, start: number, end: number): number[] {
  for (let at = start; at + 4 <= end; ) {
    const bytes = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === ZIP64_FIELD) {
      return Array.from({ length: Math.floor(bytes / 8) }, (_, i) =>
        number64(view, at + 4 + i * 8),
      );
    }
    at += 4 + bytes;
  }
  return [];
}

const number64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

function readable(blob: Blob, head: Head): ZipEntry {
  const { name, size, crc } = head;
  return {
    name,
    size,
    async read(signal, onBytes) {
      const bytes = await unpacked(await contentOf(blob, head), head, signal, onBytes);
      if (crc32(bytes) !== crc) throw broken(`${name} does not have its checksum`);
      return bytes;
    },
  };
}

async function contentOf(blob: Blob, head: Head): Promise<Blob> {
  if (head.isEncrypted) throw broken(`${head.name} is encrypted`);
  const local = await viewOf(blob, head.offset, LOCAL_BYTES);
  if (local.byteLength < LOCAL_BYTES || local.getUint32(0, true) !== LOCAL) {
    throw broken(`${head.name} is not where its list of files says`);
  }
  const start = head.offset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  const content = blob.slice(start, start + head.packed);
  if (content.size !== head.packed) throw broken(`it ends within ${head.name}`);
  return content;
}

async function unpacked(
  content: Blob,
  { name, method, size }: Head,
  signal?: AbortSignal,
  onBytes?: OnBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  if (method === STORED && content.size === size) return readAll(content, signal, onBytes);
  if (method !== DEFLATED) throw broken(`${name} is packed in a way that is not known here`);
  // Before there is memory for it: nothing deflates further than this.
  if (size > content.size * MAX_DEFLATION) throw broken(`${name} cannot be as long as it says`);
  const bytes = new Uint8Array(size);
  let at = 0;
  try {
    for await (const piece of content
      .stream()
      .pipeThrough(new DecompressionStream('deflate-raw'))) {
      signal?.throwIfAborted();
      if (at + piece.length > size) throw broken(`${name} is longer than its list of files says`);
      bytes.set(piece, at);
      at += piece.length;
      onBytes?.(piece.length);
    }
  } catch (error) {
    if (error instanceof TypeError) throw broken(`${name} cannot be unpacked`);
    throw error;
  }
  if (at !== size) throw broken(`${name} is shorter than its list of files says`);
  return bytes;
}

const broken = (why: string) => new PickedFilesError(`The archive cannot be read: ${why}.`);
