/**
 * @file A zip archive as a blob that only points at its files: nothing is compressed, since weights do not
 * shrink, and nothing is read before the browser writes the download.
 *
 * APPNOTE.TXT 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, with ZIP64 (4.5.3) for
 * whatever lies beyond 4 GiB. That an archive streams from the disk, and beyond 4 GiB, is why this is not fflate.
 */
import { crc32 } from './crc32';

export interface ZipPart {
  readonly name: string;
  readonly blob: Blob;
  /** CRC-32 of the blob. */
  readonly crc: number;
}

/** The value that says: look in the ZIP64 field. */
const BEYOND = 0xffffffff;
const ZIP64_VERSION = 45;
/** Names are UTF-8. */
const UTF8_FLAG = 0x0800;
const ZIP64_FIELD = 1;

/** Part of an archive, from contents that are in memory. */
export const zipPart = (name: string, bytes: Uint8Array): ZipPart => ({
  name,
  blob: new Blob([bytes as Uint8Array<ArrayBuffer>]),
  crc: crc32(bytes),
});

/** @param folder every file lies in it; @param modified local time of all files */
export const zip = (folder: string, parts: readonly ZipPart[], modified: Date): Blob =>
  new Blob(zipPieces(folder, parts, modified), { type: 'application/zip' });

/** What an archive is made of, in order. */
export function zipPieces(
  folder: string,
  parts: readonly ZipPart[],
  modified: Date,
): (Blob | Uint8Array<ArrayBuffer>)[] {
  const content: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const part of parts) {
    const entry = { ...part, name: `${folder}/${part.name}`, offset, modified };
    const head = localHeader(entry);
    content.push(head, part.blob);
    directory.push(directoryEntry(entry));
    offset += head.length + part.blob.size;
  }
  const bytes = directory.reduce((sum, { length }) => sum + length, 0);
  return [...content, ...directory, endOfArchive(parts.length, bytes, offset)];
}

interface Entry extends ZipPart {
  readonly offset: number;
  readonly modified: Date;
}

/** Little-endian fields one after the other: [bytes, value]. */
function fields(...list: readonly (readonly [1 | 2 | 4 | 8, number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(list.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of list) {
    if (size === 8) view.setBigUint64(at, BigInt(value), true);
    else if (size === 4) view.setUint32(at, value, true);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
    at += size;
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const capped = (value: number) => Math.min(value, BEYOND);

/** What both headers of a file have in common, from the version needed on. */
function common({ name, blob, crc, modified }: Entry, extra: Uint8Array): Uint8Array {
  const time =
    (modified.getHours() << 11) | (modified.getMinutes() << 5) | (modified.getSeconds() >> 1);
  const year = Math.max(0, modified.getFullYear() - 1980);
  const date = (year << 9) | ((modified.getMonth() + 1) << 5) | modified.getDate();
  return fields(
    [2, ZIP64_VERSION],
    [2, UTF8_FLAG],
    [2, 0], // stored
    [2, time],
    [2, date],
    [4, crc],
    [4, capped(blob.size)],
    [4, capped(blob.size)],
    [2, new TextEncoder().encode(name).length],
    [2, extra.length],
  );
}

/** The ZIP64 field with those values that do not fit; empty where all do. */
function zip64(values: readonly number[]): Uint8Array {
  const large = values.filter((value) => value >= BEYOND);
  if (large.length === 0) return new Uint8Array();
  return fields(
    [2, ZIP64_FIELD],
    [2, large.length * 8],
    ...large.map((value) => [8, value] as const),
  );
}

function localHeader(entry: Entry): Uint8Array<ArrayBuffer> {
  const extra = zip64([entry.blob.size, entry.blob.size]);
  const name = new TextEncoder().encode(entry.name);
  return joined(fields([4, 0x04034b50]), common(entry, extra), name, extra);
}

function directoryEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const extra = zip64([entry.blob.size, entry.blob.size, entry.offset]);
  const name = new TextEncoder().encode(entry.name);
  return joined(
    fields([4, 0x02014b50], [2, ZIP64_VERSION]),
    common(entry, extra),
    // Comment, disk, attributes inside and outside: none.
    fields([2, 0], [2, 0], [2, 0], [4, 0], [4, capped(entry.offset)]),
    name,
    extra,
  );
}

function endOfArchive(count: number, bytes: number, start: number): Uint8Array<ArrayBuffer> {
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, bytes],
    [4, capped(start)],
    [2, 0],
  );
  if (start < BEYOND) return end;
  const large = fields(
    [4, 0x06064b50],
    [8, 44], // bytes of this record that follow
    [2, ZIP64_VERSION],
    [2, ZIP64_VERSION],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, bytes],
    [8, start],
  );
  const locator = fields([4, 0x07064b50], [4, 0], [8, start + bytes], [4, 1]);
  return joined(large, locator, end);
}
