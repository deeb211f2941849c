/** @file Puts a lab on the page. The workers are handed in, so that another entry may bring its own. */
import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { LabContext } from './live/hooks';
import { browserAddress } from './state/address';
import { AutomaticKeeper } from './state/automatic';
import { boot } from './state/boot';
import { type EngineWorker, Lab } from './state/lab';
import type { Clock } from './state/pace';
import { speakOf } from './state/speech';
import { markStart } from './state/startMarks';
import { browserTab } from './state/stored';
import { connectStorage, type StoragePort } from './storage/client';
import { followTheme } from './theme/theme';
import './theme/global.css';

const browserClock: Clock = {
  now: () => performance.now(),
  frame: (run) => window.requestAnimationFrame(run),
  after: (milliseconds, run) => window.setTimeout(run, milliseconds),
};

/** How the page's workers are opened. */
export interface Workers {
  readonly openEngine: () => EngineWorker;
  readonly openStorage: () => StoragePort;
}

export function mount(root: HTMLElement, { openEngine, openStorage }: Workers): void {
  followTheme();
  const lab = new Lab({
    openWorker: openEngine,
    address: browserAddress,
    clock: browserClock,
    storage: connectStorage(openStorage()),
    tab: browserTab,
  });
  // A transition: the browser may do other things while the page is made.
  startTransition(() => {
    createRoot(root).render(
      <LabContext value={lab}>
        <App />
      </LabContext>,
    );
  });
  speakOf(lab);
  keepAutomatically(lab);
  markStart(lab, (name) => performance.mark(`lab ${name}`));
  void boot(lab);
}

function keepAutomatically(lab: Lab): void {
  const keeper = new AutomaticKeeper(lab);
  keeper.start();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') keeper.hidden();
  });
}
