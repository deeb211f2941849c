import { useSyncExternalStore } from 'react';

/** Space beside every time chart: the same in all, so that a step is one straight line down the page. */
export interface Gutters {
  readonly left: number;
  readonly right: number;
}

const wide: Gutters = { left: 40, right: 64 };
const narrow: Gutters = { left: 36, right: 52 };
const media = window.matchMedia('(max-width: 900px)');

function subscribe(listener: () => void): () => void {
  media.addEventListener('change', listener);
  return () => media.removeEventListener('change', listener);
}

/** Whether the page is one narrow column. */
export const useIsNarrow = (): boolean => useSyncExternalStore(subscribe, () => media.matches);

export const useGutters = (): Gutters => (useIsNarrow() ? narrow : wide);
