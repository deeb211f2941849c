/** @file Marks in the browser's own timeline, from navigation to the first loss: what a slow start is made of. */
import type { Lab } from './lab';

/** In the order in which they come. */
export const startMarks = ['adapter', 'plan', 'ready', 'first loss'] as const;

export type StartMark = (typeof startMarks)[number];

/** Calls `mark` for each, once a page. */
export function markStart({ run, recorder }: Lab, mark: (name: StartMark) => void): void {
  const isReached: Readonly<Record<StartMark, () => boolean>> = {
    adapter: () => run.getState().adapter !== undefined,
    plan: () => run.getState().plan !== undefined,
    ready: () => run.getState().info !== undefined,
    'first loss': () => recorder.series.latest('train.loss') !== undefined,
  };
  const left: StartMark[] = [...startMarks];
  const check = () => {
    while (left[0] && isReached[left[0]]()) mark(left.shift()!);
    if (left.length > 0) return;
    for (const stop of stops) stop();
  };
  const stops = [run.subscribe(check), recorder.signal.subscribe(check)];
}
