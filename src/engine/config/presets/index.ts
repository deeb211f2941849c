import { large } from './large';
import { medium } from './medium';
import { micro } from './micro';
import { mini } from './mini';
import { nano } from './nano';
import type { Preset } from './preset';
import { small } from './small';

export type { Preset } from './preset';

/** Every preset, in the order in which the page lists them. */
export const presets: readonly Preset[] = [micro, small, medium, nano, mini, large];

/** The preset with that id; undefined when there is none. */
export const presetById = (id: string): Preset | undefined => presets.find((p) => p.id === id);
