/** @file Which automatic checkpoints stay. What the visitor kept is never touched. */
import type { StoredCheckpoint } from './record';

/** The newest so many of this tab, and the newest so many of all closed tabs together. */
const KEPT_AUTOMATICALLY = 2;

export const newestFirst = (stored: readonly StoredCheckpoint[]): StoredCheckpoint[] =>
  [...stored].sort((a, b) => b.savedAt - a.savedAt);

/**
 * Automatic checkpoints that may go. Those of another open tab are that tab's own business.
 * @param count how many stay of this tab
 */
export function superseded(
  stored: readonly StoredCheckpoint[],
  count = KEPT_AUTOMATICALLY,
): StoredCheckpoint[] {
  const automatic = newestFirst(stored).filter(({ kind }) => kind === 'automatic');
  const own = automatic.filter(({ owner }) => owner === 'this tab');
  const left = automatic.filter(({ owner }) => owner === 'nobody');
  return [...own.slice(count), ...left.slice(KEPT_AUTOMATICALLY)];
}
