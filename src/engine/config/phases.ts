/** @file Which mixture a step reads: a run has up to three. Trinity, 3.1. */
import type { Settings } from './settings';

/** Index of the phase that the 0-based `step` belongs to: 0 to 2. */
export const phaseAt = (step: number, { phase2, phase3 }: Settings): number =>
  [phase2, phase3].filter(({ startsAt }) => startsAt > 0 && startsAt <= step).length;
