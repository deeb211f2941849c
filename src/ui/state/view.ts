/**
 * @file What the visitor looks at: one layer and up to four pinned experts for all panels, which
 * panels are folded, enlarged, in view. Nothing of it belongs to the experiment.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';

export const MAX_PINS = 4;

/** Unit of the loss chart. */
export type LossUnit = 'nats' | 'bits/byte';

export interface ViewState {
  /** The chosen layer, counted over all layers. */
  readonly layer: number;
  /** Pinned experts in the order in which they were pinned; a free place is undefined. */
  readonly pins: readonly (number | undefined)[];
  readonly head: number;
  /** Sequence of the batch whose attention is measured. */
  readonly sequence: number;
  readonly lossUnit: LossUnit;
  /** Ids of panels. */
  readonly folded: ReadonlySet<string>;
  readonly inView: ReadonlySet<string>;
  readonly enlarged: string | undefined;
  /** The page is through with its own start: what nobody sees may be drawn, too. */
  readonly isSettled: boolean;
}

export type ViewStore = StoreApi<ViewState>;

export const createViewStore = (): ViewStore =>
  createStore<ViewState>(() => ({
    layer: 0,
    pins: Array.from({ length: MAX_PINS }, () => undefined),
    head: 0,
    sequence: 0,
    lossUnit: 'bits/byte',
    folded: new Set(),
    inView: new Set(),
    enlarged: undefined,
    isSettled: false,
  }));

/** Pins an expert, or takes its pin away. A fifth pin replaces the one pinned last. */
export function togglePin(view: ViewStore, expert: number): void {
  const { pins } = view.getState();
  const free = pins.indexOf(undefined);
  const held = pins.indexOf(expert);
  const place = held >= 0 ? held : free >= 0 ? free : MAX_PINS - 1;
  view.setState({
    pins: pins.map((pin, i) => (i === place ? (held >= 0 ? undefined : expert) : pin)),
  });
}

/** The set with or without one member. */
export function withMember<T>(set: ReadonlySet<T>, member: T, isIn: boolean): ReadonlySet<T> {
  if (set.has(member) === isIn) return set;
  const changed = new Set(set);
  if (isIn) changed.add(member);
  else changed.delete(member);
  return changed;
}

/** Whether a panel is drawn and its data read: unfolded, in view, and not behind an enlarged one. */
export const isPanelActive = (view: ViewState, id: string): boolean =>
  view.inView.has(id) &&
  !view.folded.has(id) &&
  (view.enlarged === undefined || view.enlarged === id);

/** The mixture layer that expert panels show: the chosen one, or the nearest with experts. */
export function shownMixtureLayer(layer: number, mixtureLayers: readonly number[]): number {
  return mixtureLayers.reduce(
    (best, candidate) => (Math.abs(candidate - layer) < Math.abs(best - layer) ? candidate : best),
    mixtureLayers[0] ?? layer,
  );
}
