/** @file How components read the lab. */
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import { flushSync } from 'react-dom';
import { useStore } from 'zustand';
import type { MetricName } from '@/engine/config/metrics';
import type { Point } from '@/ui/state/curve';
import type { Lab } from '@/ui/state/lab';
import type { Recorder } from '@/ui/state/recorder';
import type { RunState } from '@/ui/state/run';
import type { StoredState } from '@/ui/state/stored';
import type { ViewState } from '@/ui/state/view';

export const LabContext = createContext<Lab | undefined>(undefined);

/** The lab of this page. @throws outside of a LabContext */
export function useLab(): Lab {
  const lab = useContext(LabContext);
  if (!lab) throw new Error('useLab: no LabContext above');
  return lab;
}

export const useRun = <T>(select: (state: RunState) => T): T => useStore(useLab().run, select);

export const useStored = <T>(select: (state: StoredState) => T): T =>
  useStore(useLab().stored, select);

export const useView = <T>(select: (state: ViewState) => T): T => useStore(useLab().view, select);

/** The newest value of a metric; renders with the frame in which it changed. */
export function useLatest(metric: MetricName): Point | undefined {
  const { series } = useLab().recorder;
  return useSyncExternalStore(series.signal.subscribe, () => series.latest(metric));
}

/** Whether only what the window shows should be drawn: a run is on its way to its first loss. */
export const useIsPatient = (): boolean => useView((view) => !view.isSettled);

/** Whether the panel around fills the page, so that its charts may be larger. */
export const EnlargedContext = createContext(false);

/** Whether the panel around is drawn: unfolded and in view. */
export const ActiveContext = createContext(true);

/** Grows when it is this component's turn to draw new data; stands still while nobody sees it. */
function useTurn(intervalMs: number): number {
  const { pace } = useLab();
  const isActive = useContext(ActiveContext);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!isActive) return;
    setTurn((count) => count + 1);
    // Drawn at once, so that the turn is charged for what it costs.
    return pace.join(() => flushSync(() => setTurn((count) => count + 1)), intervalMs);
  }, [pace, isActive, intervalMs]);
  return turn;
}

/**
 * What `compute` makes of the recorder: again when this component's turn comes, at most once in
 * `intervalMs`, and when `compute` is another function. Outside the panel's sight it stands still.
 */
export function useDrawn<T>(compute: (recorder: Recorder) => T, intervalMs: number): T {
  const { recorder } = useLab();
  const turn = useTurn(intervalMs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the recorder changes inside; the turn says when to look.
  return useMemo(() => compute(recorder), [compute, recorder, turn]);
}
