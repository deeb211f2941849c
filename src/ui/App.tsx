import { useEffect } from 'react';
import styles from './App.module.css';
import { RunBar } from './bar/RunBar';
import { Gradually } from './components/Gradually';
import { useIsPatient, useLab, useRun, useView } from './live/hooks';
import { LiveRegion } from './live/LiveRegion';
import { DropAnywhere } from './pages/DropAnywhere';
import { FaultPage } from './pages/FaultPage';
import { Situation } from './pages/Situation';
import { type Panel, panels } from './panels';
import { PanelFrame } from './panels/PanelFrame';
import { Rail } from './rail/Rail';
import { classes } from './theme/classes';

export function App() {
  const fault = useRun((state) => state.fault);
  if (fault) return <FaultPage fault={fault} />;
  return (
    <div className={styles['app']}>
      <RunBar />
      <Rail />
      <main className={styles['main']}>
        <Situation />
        <Panels />
      </main>
      <DropAnywhere />
      <LiveRegion />
    </div>
  );
}

/** All panels, or the enlarged one alone. Two halves share a line. */
function Panels() {
  const enlarged = useView((view) => view.enlarged);
  const isPatient = useIsPatient();
  useEscape();
  const shown = panels.filter(({ id }) => enlarged === undefined || id === enlarged);
  return (
    <Gradually isPatient={isPatient}>
      {linesOf(shown).map((line) => (
        <div
          key={line.map(({ id }) => id).join(' ')}
          className={classes(line.length === 2 && styles['pair'])}
        >
          <Gradually isPatient={isPatient}>
            {line.map((panel) => (
              <PanelFrame key={panel.id} panel={panel} />
            ))}
          </Gradually>
        </div>
      ))}
    </Gradually>
  );
}

/** Panels line by line: two neighbouring halves together, every other alone. */
function linesOf(shown: readonly Panel[]): Panel[][] {
  const lines: Panel[][] = [];
  for (const panel of shown) {
    const last = lines.at(-1);
    if (panel.isHalf && last?.length === 1 && last[0]?.isHalf) last.push(panel);
    else lines.push([panel]);
  }
  return lines;
}

/** Escape shrinks an enlarged panel. */
function useEscape(): void {
  const { view } = useLab();
  useEffect(() => {
    const shrink = (event: KeyboardEvent) => {
      if (event.key === 'Escape') view.setState({ enlarged: undefined });
    };
    window.addEventListener('keydown', shrink);
    return () => window.removeEventListener('keydown', shrink);
  }, [view]);
}
