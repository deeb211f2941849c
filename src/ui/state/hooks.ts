/** @file How components read the lab. */
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';
import { useStore } from 'zustand';
import type { MetricName } from '@/engine/config/metrics';
import type { Point } from './curve';
import type { Lab } from './lab';
import type { RunState } from './run';
import type { ViewState } from './view';

export const LabContext = createContext<Lab | undefined>(undefined);

/** The lab of this page. @throws outside of a LabContext */
export function useLab(): Lab {
  const lab = useContext(LabContext);
  if (!lab) throw new Error('useLab: no LabContext above');
  return lab;
}

export const useRun = <T>(select: (state: RunState) => T): T => useStore(useLab().run, select);

export const useView = <T>(select: (state: ViewState) => T): T => useStore(useLab().view, select);

/** The newest value of a metric; renders with the frame in which it changed. */
export function useLatest(metric: MetricName): Point | undefined {
  const { series } = useLab().recorder;
  return useSyncExternalStore(series.signal.subscribe, () => series.latest(metric));
}

/** Something small out of the recorder that stays the same object until it changes. */
export function useRecorded<T>(read: (recorder: Lab['recorder']) => T): T {
  const { recorder } = useLab();
  return useSyncExternalStore(recorder.signal.subscribe, () => read(recorder));
}

/** Whether the panel around is drawn: unfolded and in view. */
export const ActiveContext = createContext(true);

/**
 * A number that grows when it is this component's turn to draw new data; it stands still while its
 * panel is not drawn. Charts compute from the recorder when it changes.
 */
export function useRedraw(intervalMs: number): number {
  const { pace } = useLab();
  const isActive = useContext(ActiveContext);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    if (!isActive) return;
    setVersion((v) => v + 1);
    // Drawn at once, so that the turn is charged for what it costs.
    return pace.join(() => flushSync(() => setVersion((v) => v + 1)), intervalMs);
  }, [pace, isActive, intervalMs]);
  return version;
}
