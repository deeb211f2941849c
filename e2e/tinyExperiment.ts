/** @file Micro made small: every mechanism of the model, a step in a moment on a software adapter. */
import type { Experiment } from '@/engine/config/experiment';
import { encodeLink } from '@/engine/config/link';
import type { SettingsChanges } from '@/engine/config/settings';

/** Without probes unless asked for: they take longer than a step. */
export function tinyExperiment(
  changes: SettingsChanges = {},
  timeline: Experiment['timeline'] = [],
): Experiment {
  return {
    preset: 'micro',
    changes: {
      ...changes,
      // One dense layer, one local and one global mixture.
      model: {
        layerCount: 3,
        globalEvery: 3,
        width: 16,
        headCount: 2,
        kvHeadCount: 1,
        headWidth: 8,
        window: 8,
        denseWidth: 16,
        expertCount: 4,
        expertWidth: 8,
        ...changes.model,
      },
      data: { contextLength: 32, batchSequences: 2, ...changes.data },
      probes: { evalEvery: 0, needleEvery: 0, sampleEvery: 0, ...changes.probes },
    },
    timeline,
  };
}

/** The address of an experiment on the page under test. */
export const addressOf = (experiment: Experiment): string => `/#${encodeLink(experiment)}`;
