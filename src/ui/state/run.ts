/**
 * @file Where the run stands and what the visitor drafts. Small values only: curves and arrays are
 * in the recorder.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { type Experiment, experimentOn, type LiveChange } from '@/engine/config/experiment';
import { defaultSettings, type Settings } from '@/engine/config/settings';
import type {
  AdapterReport,
  Events,
  Failure,
  Plan,
  RunInfo,
  RunPhase,
  TextReport,
} from '@/engine/train/commands';

/** An error by class name, with the plain fields that its class adds. */
export interface Fault {
  readonly name: string;
  readonly message: string;
  /** Of a LimitError: which limit, what was needed, what there is. */
  readonly limit?: string | undefined;
  readonly need?: number | undefined;
  readonly have?: number | undefined;
}

/** Where a note belongs. */
export type NotePlace =
  | 'page'
  | 'data'
  | 'settings'
  | 'samples'
  | 'needles'
  | 'attention'
  | 'checkpoints';

/** Something that happened, said where it belongs, until it is closed. */
export interface Note {
  readonly id: number;
  readonly place: NotePlace;
  readonly isError: boolean;
  readonly title: string;
  readonly body: string;
}

/** A run that waits to be started: another preset, or other settings that start a new run. */
export interface Draft {
  readonly preset: string;
  readonly values: Settings;
  /** Undefined while it is being worked out, and where the values cannot be. */
  readonly plan: Plan | undefined;
}

export interface RunState {
  readonly adapter: AdapterReport | undefined;
  /** Why there can be no lab at all: its page replaces everything. */
  readonly fault: Fault | undefined;
  /** Words of the worker that broke off. */
  readonly crash: string | undefined;
  readonly phase: RunPhase;
  /** Steps finished when the phase was told. */
  readonly step: number;
  readonly progress: Events['phase']['progress'] | undefined;
  /** The experiment of the address bar. */
  readonly experiment: Experiment;
  /** Whether it came from a link, so that it says what it changes and waits. */
  readonly isFromLink: boolean;
  readonly plan: Plan | undefined;
  /** Set once the run is prepared. */
  readonly info: RunInfo | undefined;
  /** Settings as they are now, with the live changes that took effect. */
  readonly now: Settings;
  /** Live changes that took effect, by step. */
  readonly applied: readonly LiveChange[];
  readonly draft: Draft | undefined;
  readonly presetPlans: Readonly<Record<string, Plan>>;
  readonly notes: readonly Note[];
  readonly failure: Failure | undefined;
  readonly recovery: Events['recovered'] | undefined;
  readonly ownText: TextReport | undefined;
}

export type RunStore = StoreApi<RunState>;

export const createRunStore = (): RunStore =>
  createStore<RunState>(() => ({
    adapter: undefined,
    fault: undefined,
    crash: undefined,
    phase: 'empty',
    step: 0,
    progress: undefined,
    experiment: experimentOn('micro'),
    isFromLink: false,
    plan: undefined,
    info: undefined,
    now: defaultSettings,
    applied: [],
    draft: undefined,
    presetPlans: {},
    notes: [],
    failure: undefined,
    recovery: undefined,
    ownText: undefined,
  }));

let nextNoteId = 0;

/** Says something in its place; a place keeps its newest three. */
export function addNote(run: RunStore, note: Omit<Note, 'id'>): void {
  const others = run.getState().notes.filter(({ place }) => place !== note.place);
  const same = run.getState().notes.filter(({ place }) => place === note.place);
  run.setState({ notes: [...others, ...same.slice(-2), { ...note, id: nextNoteId++ }] });
}

export function closeNote(run: RunStore, id: number): void {
  run.setState(({ notes }) => ({ notes: notes.filter((note) => note.id !== id) }));
}

/** A live change in its place: by step, the newest of one step and row only. */
export function withChange(
  changes: readonly LiveChange[],
  change: LiveChange,
): readonly LiveChange[] {
  const same = changes.find((one) => one.step === change.step && one.path === change.path);
  const rest = changes.filter((one) => one !== same);
  const merged = same ? { ...change, from: same.from } : change;
  const before = rest.filter((one) => one.step <= change.step);
  const after = rest.filter((one) => one.step > change.step);
  return merged.from === merged.to ? [...before, ...after] : [...before, merged, ...after];
}

/** Whether any phase of the mixture reads the visitor's own text. */
const readsOwnText = ({ data, phase2, phase3 }: Settings): boolean =>
  data.ownTextWeight > 0 ||
  [phase2, phase3].some(({ startsAt, ownTextWeight }) => startsAt > 0 && ownTextWeight > 0);

/** Whether these values ask for a text that is not here: a link never holds one. */
export const lacksText = ({ ownText }: RunState, values: Settings): boolean =>
  readsOwnText(values) && ownText === undefined;

/** Whether the experiment asks for a text that is not here. */
export const isTextMissing = (state: RunState): boolean => lacksText(state, state.now);
