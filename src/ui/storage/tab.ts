/**
 * @file Whose a checkpoint is: every open tab holds a lock by its name for as long as it lives, also when it
 * crashes, so that the others know which checkpoints nobody looks after any more.
 */

/** The part of the browser's LockManager that is used. https://w3c.github.io/web-locks/ */
export interface Locks {
  request<T>(
    name: string,
    options: { readonly mode?: 'shared' | 'exclusive'; readonly signal?: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

const PREFIX = 'trinity-lab tab ';
/** A page that is being reloaded lets go of its lock a moment after the new one asks for it. */
const HANDOVER_MS = 2000;

/**
 * Holds the name of this tab until its worker ends.
 * @param previous the name that the same tab had before a reload; a duplicated tab has it too, and gets another.
 */
export async function holdTab(locks: Locks, previous: string | undefined): Promise<string> {
  if (previous && (await isHeld(locks, previous))) return previous;
  const tab = crypto.randomUUID();
  await isHeld(locks, tab);
  return tab;
}

const isHeld = (locks: Locks, tab: string): Promise<boolean> =>
  new Promise((resolve) => {
    const signal = AbortSignal.timeout(HANDOVER_MS);
    const hold = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    locks.request(PREFIX + tab, { signal }, hold).catch(() => resolve(false));
  });

export async function openTabs(locks: Locks): Promise<Set<string>> {
  const { held = [] } = await locks.query();
  const names = held.map(({ name = '' }) => name).filter((name) => name.startsWith(PREFIX));
  return new Set(names.map((name) => name.slice(PREFIX.length)));
}
