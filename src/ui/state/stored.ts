/** @file What this browser keeps of runs, as the page shows it: the list, the room, and what is being done. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { StoredCheckpoint } from '@/ui/storage/record';
import { newestFirst } from '@/ui/storage/retention';
import type { Room } from '@/ui/storage/shelf';
import type { Lab } from './lab';
import { addNote } from './run';

/** Something that takes long: one at a time. */
export interface Work {
  readonly label: string;
  /** 0 to 1; undefined where nobody knows. */
  readonly share: number | undefined;
  /** Undefined where it cannot be ended. */
  readonly cancel: (() => void) | undefined;
}

export interface StoredState {
  /** The newest first; undefined before the shelf is open. */
  readonly entries: readonly StoredCheckpoint[] | undefined;
  readonly room: Room | undefined;
  /** Why nothing can be kept here, in words. */
  readonly unavailable: string | undefined;
  readonly work: Work | undefined;
  /** The run that broke off and can go on. */
  readonly offer: StoredCheckpoint | undefined;
}

export type StoredStore = StoreApi<StoredState>;

export const createStoredStore = (): StoredStore =>
  createStore<StoredState>(() => ({
    entries: undefined,
    room: undefined,
    unavailable: undefined,
    work: undefined,
    offer: undefined,
  }));

/** The name of this tab, which survives a reload. */
export interface TabMemory {
  read(): string | undefined;
  write(name: string): void;
}

const KEY = 'trinity-lab tab';

export const browserTab: TabMemory = {
  read: () => window.sessionStorage.getItem(KEY) ?? undefined,
  write: (name) => window.sessionStorage.setItem(KEY, name),
};

/** Opens the shelf and keeps the list true. Resolves also where nothing can be kept. */
export async function openStorage(lab: Lab): Promise<void> {
  try {
    lab.tab.write(await lab.storage.open(lab.tab.read()));
    lab.storage.onChange(() => void refresh(lab));
    await refresh(lab);
  } catch (error) {
    lab.stored.setState({ entries: [], unavailable: (error as Error).message });
  }
}

/** Reads what is kept, now. */
export async function refresh(lab: Lab): Promise<void> {
  const [entries, room] = await Promise.all([lab.storage.list(), lab.storage.room()]);
  const { offer } = lab.stored.getState();
  lab.stored.setState({
    entries: newestFirst(entries),
    room,
    // Another tab may have let it go.
    offer: entries.find(({ id }) => id === offer?.id),
  });
}

/** What a piece of work is told while it lasts. */
export interface Course {
  readonly signal: AbortSignal;
  readonly onShare: (share: number) => void;
}

const cancelled = () => Object.assign(new Error('Cancelled.'), { name: 'CancelledError' });

/**
 * Does one long thing and shows it; a second one is not begun. A failure is said
 * under `title`; cancelling is none. Resolves with what the work resolves with, undefined where it failed.
 */
export async function work<T>(
  lab: Lab,
  { label, title, canCancel }: { label: string; title: string; canCancel: boolean },
  run: (course: Course) => Promise<T>,
): Promise<T | undefined> {
  if (lab.stored.getState().work) {
    lab.announcer.say(`${label}: not before the page is done with what it does.`);
    return undefined;
  }
  const control = new AbortController();
  const cancel = canCancel ? () => control.abort(cancelled()) : undefined;
  const show = (share: number | undefined) =>
    lab.stored.setState({ work: { label, share, cancel } });
  show(undefined);
  lab.run.setState(({ notes }) => ({ notes: notes.filter((note) => note.title !== title) }));
  try {
    return await run({ signal: control.signal, onShare: show });
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'CancelledError' && name !== 'WorkerCrashError') {
      addNote(lab.run, { place: 'page', isError: true, title, body: message });
      lab.announcer.say(`${title}. ${message}`);
    }
    return undefined;
  } finally {
    if (lab.stored.getState().unavailable === undefined) await refresh(lab).catch(() => {});
    lab.stored.setState({ work: undefined });
  }
}
