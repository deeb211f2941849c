/** @file How a checkpoint leaves the page: as one download, or as a folder where the browser can write one. */

/** The browser reads a download when it likes; its address must hold that long. */
const ADDRESS_MS = 10 * 60_000;

export function download(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), ADDRESS_MS);
}

/** Makes a folder of that name and returns what writes one file into it. */
export type OpenFolder = (name: string) => Promise<(file: string, content: Blob) => Promise<void>>;

type PickDirectory = (options: {
  readonly id: string;
  readonly mode: 'readwrite';
}) => Promise<FileSystemDirectoryHandle>;

/** https://wicg.github.io/file-system-access/, not in every browser. */
const pickDirectory = (): PickDirectory | undefined =>
  (window as { showDirectoryPicker?: PickDirectory }).showDirectoryPicker;

export const canWriteFolders = (): boolean => pickDirectory() !== undefined;

/** Asks where the folder shall be; undefined where the visitor thinks better of it. */
export async function askForFolder(): Promise<OpenFolder | undefined> {
  try {
    const parent = await pickDirectory()?.call(window, { id: 'trinity-lab', mode: 'readwrite' });
    return parent && ((name) => openIn(parent, name));
  } catch (error) {
    if ((error as Error).name === 'AbortError') return undefined;
    throw error;
  }
}

async function openIn(parent: FileSystemDirectoryHandle, name: string) {
  const folder = await parent.getDirectoryHandle(name, { create: true });
  return async (file: string, content: Blob) => {
    const slot = await folder.getFileHandle(file, { create: true });
    await content.stream().pipeTo(await slot.createWritable());
  };
}
