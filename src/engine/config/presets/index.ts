import { dotsLlm1 } from './dotsLlm1';
import { dotsMicro } from './dotsMicro';
import { dotsSmall } from './dotsSmall';
import { hunyuanLarge } from './hunyuanLarge';
import { hunyuanMicro } from './hunyuanMicro';
import { hunyuanSmall } from './hunyuanSmall';
import { large } from './large';
import { medium } from './medium';
import { micro } from './micro';
import { mini } from './mini';
import { nano } from './nano';
import type { Preset } from './preset';
import { small } from './small';
import { largeBefore, stabilityAfter, stabilityBefore } from './stability';

export type { Preset } from './preset';
export { type Intervention, interventions, stabilityPresets } from './stability';

/** Every preset, family by family, in the order in which the page lists them. */
export const presets: readonly Preset[] = [
  micro,
  small,
  medium,
  stabilityBefore,
  stabilityAfter,
  nano,
  mini,
  large,
  largeBefore,
  hunyuanMicro,
  hunyuanSmall,
  hunyuanLarge,
  dotsMicro,
  dotsSmall,
  dotsLlm1,
];

/** The preset with that id; undefined when there is none. */
export const presetById = (id: string): Preset | undefined => presets.find((p) => p.id === id);
