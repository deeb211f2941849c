/** @file What the run says to those who hear the page: changes of state at once, numbers rarely. */

import { formatFixed } from '@/ui/format/numbers';
import { changeWords } from '@/ui/format/settings';
import type { Lab } from './lab';
import type { RunState } from './run';

/** Time between two reports of a run that trains. */
const REPORT_MS = 60_000;

/** Speaks from now on. */
export function speakOf(lab: Lab): void {
  lab.run.subscribe((state, before) => {
    const words = newsOf(state, before);
    if (words) lab.announcer.say(words);
  });
  reportLater(lab);
}

function newsOf(state: RunState, before: RunState): string | undefined {
  if (state.applied.length > before.applied.length) {
    const change = state.applied.at(-1);
    return change && `From step ${formatFixed(change.step, 0)}: ${changeWords(change)}`;
  }
  if (state.phase === before.phase) return undefined;
  const at = `at step ${formatFixed(state.step, 0)}`;
  switch (state.phase) {
    case 'preparing':
      return 'Preparing the run';
    case 'training':
      return `Training, ${at}`;
    case 'paused':
      return `Paused ${at}`;
    case 'stopped':
      return `Stopped ${at}`;
    case 'empty':
      return undefined;
  }
}

function reportLater(lab: Lab): void {
  lab.clock.after(REPORT_MS, () => {
    const loss = lab.recorder.series.latest('train.loss');
    if (loss && lab.run.getState().phase === 'training') {
      lab.announcer.say(`Step ${formatFixed(loss.step, 0)}, loss ${formatFixed(loss.value, 2)}`);
    }
    reportLater(lab);
  });
}
