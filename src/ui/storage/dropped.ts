/** @file What a drag brings, folders included, as a flat list of files. Runs in the page. */
import { PickedFilesError } from './errors';
import type { PickedFile } from './gather';

/** A checkpoint has a few dozen files; whoever lets a whole disk fall is told so. */
const MAX_FILES = 2000;

/**
 * Reads the drag's folders. Called in the drop event itself: its items are gone afterwards.
 * @throws {PickedFilesError} where there are too many; the browser's error where one cannot be read
 */
export function droppedFiles({ items }: DataTransfer): Promise<PickedFile[]> {
  const entries = [...items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  return flat(entries);
}

async function flat(entries: readonly FileSystemEntry[]): Promise<PickedFile[]> {
  const found: PickedFile[] = [];
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
    if (found.length + waiting.length >= MAX_FILES) {
      throw new PickedFilesError(
        `It has more than ${MAX_FILES} files. Give the folder of one checkpoint.`,
      );
    }
    if (isFolder(entry)) waiting.push(...(await inside(entry)));
    else
      found.push({
        path: entry.fullPath.slice(1),
        file: await fileOf(entry as FileSystemFileEntry),
      });
  }
  return found;
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** A reader gives a hundred at a time, and nothing at the end. */
async function inside(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    found.push(...some);
    if (found.length > MAX_FILES) return found;
  }
}

/** Files of a file picker; those of a folder know their way in it. */
export const chosenFiles = (files: FileList): PickedFile[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
