/** @file The settings of a run as they change: those of the experiment, and its timeline of live changes. */
import {
  checkLiveChange,
  type Experiment,
  type LiveChange,
  resolve,
} from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import { type SettingPath, type Settings, valueAt, withValue } from '@/engine/config/settings';

/** Hears of every change as it takes effect. @param isNew false where a run goes over the same steps again. */
export type OnChange = (
  change: LiveChange,
  before: Settings,
  after: Settings,
  isNew: boolean,
) => void;

export class LiveSettings {
  readonly #experiment: Experiment;
  readonly #onChange: OnChange;
  readonly #timeline: LiveChange[];
  readonly #told = new Set<LiveChange>();
  #values: Settings;
  /** Changes of the timeline that are in effect. */
  #applied = 0;

  /** @throws {ConfigError} as `resolve` */
  constructor(experiment: Experiment, onChange: OnChange) {
    this.#experiment = experiment;
    this.#onChange = onChange;
    this.#timeline = [...experiment.timeline];
    this.#values = resolve(experiment);
  }

  get values(): Settings {
    return this.#values;
  }

  /** The experiment with every change made so far. */
  get experiment(): Experiment {
    return { ...this.#experiment, timeline: [...this.#timeline] };
  }

  /** Puts the changes that the timeline holds up to the 0-based `step` into effect; returns the settings then. */
  applyDue(step: number): Settings {
    for (;;) {
      const change = this.#timeline[this.#applied];
      if (!change || change.step > step) return this.#values;
      this.#applied++;
      this.#apply(change);
    }
  }

  /** A new value from the 0-based `step` on. A second change of a row before that step replaces the first. */
  change(step: number, path: SettingPath, to: Value): LiveChange {
    this.applyDue(step);
    const at = this.#timeline.findIndex((change) => change.step === step && change.path === path);
    const from = at < 0 ? valueAt(this.#values, path) : this.#timeline[at]!.from;
    const change: LiveChange = { step, path, from, to };
    checkLiveChange(change);
    if (at < 0) this.#timeline.splice(this.#applied++, 0, change);
    else this.#timeline[at] = change;
    this.#apply(change);
    return change;
  }

  /** Drops every change from the 0-based `step` on: the run takes another way from there. */
  forget(step: number): void {
    const kept = this.#timeline.filter((change) => change.step < step);
    this.#timeline.splice(0, this.#timeline.length, ...kept);
    this.rewind(step);
  }

  /** Back to how it was before the 0-based `step`; later changes stay in the timeline. */
  rewind(step: number): void {
    this.#values = resolve(this.#experiment);
    const due = this.#timeline.findIndex((change) => change.step >= step);
    this.#applied = due < 0 ? this.#timeline.length : due;
    for (const { path, to } of this.#timeline.slice(0, this.#applied)) {
      this.#values = withValue(this.#values, path, to);
    }
  }

  #apply(change: LiveChange): void {
    const before = this.#values;
    this.#values = withValue(before, change.path, change.to);
    const isNew = !this.#told.has(change);
    this.#told.add(change);
    this.#onChange(change, before, this.#values, isNew);
  }
}
