import type { SettingsChanges } from '../settings';

export interface Preset {
  /** kebab-case; stands in links, so it never changes. */
  readonly id: string;
  readonly label: string;
  /** One line: what it is for. */
  readonly help: string;
  /** Where its figures come from. */
  readonly source: string;
  /** A size that was published: far too large to train in a browser, there for its plan. */
  readonly published?: true;
  /** What differs from the settings table. */
  readonly changes: SettingsChanges;
}

export const definePreset = (preset: Preset): Preset => preset;
