/**
 * @file The part of the Origin Private File System that the shelf uses, and its reading and writing. The
 * interfaces are those of the browser's handles, so that a test can bring folders of its own.
 * https://fs.spec.whatwg.org/
 */
import { crc32 } from './crc32';

export interface Folder {
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<FileSlot>;
  removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

export interface FileSlot {
  getFile(): Promise<Blob>;
  /** Exists in dedicated workers only. */
  createSyncAccessHandle(): Promise<SyncAccess>;
}

export interface SyncAccess {
  /** Resolves with the bytes written, which may be fewer than were asked for. */
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** Bytes that one read or write takes at a time: progress and cancelling stand between two. */
const PIECE_BYTES = 8 * 2 ** 20;

/** Is told the bytes that are done since the last call. */
export type OnBytes = (bytes: number) => void;

/** Writes a whole file; returns the CRC-32 of what was written. @throws as the browser does, also where it is full */
export async function writeFile(folder: Folder, name: string, bytes: Uint8Array): Promise<number> {
  const slot = await folder.getFileHandle(name, { create: true });
  const access = await slot.createSyncAccessHandle();
  let crc = 0;
  try {
    access.truncate(0);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      writeAll(access, piece, at);
      crc = crc32(piece, crc);
    }
    access.flush();
  } finally {
    access.close();
  }
  return crc;
}

function writeAll(access: SyncAccess, bytes: Uint8Array, start: number): void {
  for (let done = 0; done < bytes.length; ) {
    const written = access.write(bytes.subarray(done), { at: start + done });
    // Some browsers write what there is room for and say nothing.
    if (written === 0) throw new DOMException('nothing more was written', 'QuotaExceededError');
    done += written;
  }
}

/**
 * All bytes of a blob in one array: no browser reads more than 2 GiB of one at once, so it is read in pieces.
 * @throws {RangeError} where there is no memory for it; the signal's reason when it is aborted
 */
export async function readAll(
  blob: Blob,
  signal?: AbortSignal,
  onBytes?: OnBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(blob.size);
  for (let at = 0; at < blob.size; at += PIECE_BYTES) {
    signal?.throwIfAborted();
    const piece = await blob.slice(at, at + PIECE_BYTES).arrayBuffer();
    all.set(new Uint8Array(piece), at);
    onBytes?.(piece.byteLength);
  }
  return all;
}
