/** @file Puts a lab on the page. The worker is handed in, so that another entry may bring its own. */
import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { LabContext } from './live/hooks';
import { browserAddress } from './state/address';
import { boot } from './state/boot';
import { type EngineWorker, Lab } from './state/lab';
import type { Clock } from './state/pace';
import { speakOf } from './state/speech';
import { followTheme } from './theme/theme';
import './theme/global.css';

const browserClock: Clock = {
  now: () => performance.now(),
  frame: (run) => window.requestAnimationFrame(run),
  after: (milliseconds, run) => window.setTimeout(run, milliseconds),
};

export function mount(root: HTMLElement, openWorker: () => EngineWorker): void {
  followTheme();
  const lab = new Lab({ openWorker, address: browserAddress, clock: browserClock });
  // A transition: the browser may do other things while the page is made.
  startTransition(() => {
    createRoot(root).render(
      <LabContext value={lab}>
        <App />
      </LabContext>,
    );
  });
  speakOf(lab);
  void boot(lab);
}
