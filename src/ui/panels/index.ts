/** @file Every panel, in the order of the page. */
import { attention } from './Attention';
import { checkpoints } from './Checkpoints';
import type { Panel } from './definePanel';
import { expertLoad } from './ExpertLoad';
import { kernels } from './Kernels';
import { loss } from './Loss';
import { needles } from './Needles';
import { routerBias } from './RouterBias';
import { samples } from './Samples';
import { stability } from './Stability';

export type { Panel } from './definePanel';

export const panels: readonly Panel[] = [
  loss,
  expertLoad,
  routerBias,
  stability,
  attention,
  needles,
  samples,
  kernels,
  checkpoints,
];
