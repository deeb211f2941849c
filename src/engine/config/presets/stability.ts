/**
 * @file Before and after the six changes that ended the instabilities of Trinity Large (section 6 of its report),
 * at the published size and scaled down. The report made all six at once; `interventions` lets one make them alone.
 */

import type { Value } from '../field';
import type { SettingPath, SettingsChanges } from '../settings';
import { large } from './large';
import { definePreset } from './preset';

/** One change of the report. */
export interface Intervention {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  readonly path: SettingPath;
  readonly before: Value;
  readonly after: Value;
}

/** The six changes; the number of dense layers is that of the scaled pair below. */
export const interventions: readonly Intervention[] = [
  {
    id: 'balancer',
    label: 'SMEBU',
    help: 'Soft-clamped momentum updates of the router biases instead of the sign rule.',
    path: 'balance.kind',
    before: 'sign',
    after: 'smebu',
  },
  {
    id: 'precision',
    label: 'No MXFP8',
    help: 'Full precision in linear layers and experts instead of MXFP8. The report went to bf16.',
    path: 'model.linearPrecision',
    before: 'mxfp8',
    after: 'f32',
  },
  {
    id: 'z-loss',
    label: 'z-loss',
    help: 'A small pull of the log-sum-exp of the logits towards 0.',
    path: 'loss.zWeight',
    before: 0,
    after: 1e-6,
  },
  {
    id: 'sequence-balance',
    label: 'Sequence balance',
    help: 'A balance loss within each sequence.',
    path: 'loss.sequenceBalance',
    before: 0,
    after: 1e-4,
  },
  {
    id: 'dense-layers',
    label: 'More dense layers',
    help: 'Twice as many dense layers before the first experts: 3 to 6 of 60 in the report.',
    path: 'model.denseLayerCount',
    before: 1,
    after: 2,
  },
  {
    id: 'document-mask',
    label: 'Document mask',
    help: 'Attention stays within a document.',
    path: 'data.intraDocumentMask',
    before: false,
    after: true,
  },
];

const scaled: SettingsChanges['model'] = {
  layerCount: 6,
  denseWidth: 128,
  expertCount: 32,
  expertsPerToken: 2,
  expertWidth: 16,
};

export const stabilityBefore = definePreset({
  id: 'stability-before',
  label: 'before the six',
  help: 'A small model with none of the six changes that made Trinity Large stable.',
  source: 'ours; Trinity, 6',
  changes: {
    model: { ...scaled, denseLayerCount: 1, linearPrecision: 'mxfp8' },
    data: { intraDocumentMask: false },
    balance: { kind: 'sign' },
    loss: { zWeight: 0, sequenceBalance: 0 },
  },
});

export const stabilityAfter = definePreset({
  id: 'stability-after',
  label: 'after the six',
  help: 'The same small model with all six changes.',
  source: 'ours; Trinity, 6',
  changes: {
    model: { ...scaled, denseLayerCount: 2 },
    data: { intraDocumentMask: true },
    balance: { kind: 'smebu' },
    loss: { zWeight: 1e-6, sequenceBalance: 1e-4 },
  },
});

/** The failed runs of Trinity Large, with 3 dense layers. */
export const largeBefore = definePreset({
  id: 'trinity-large-before',
  label: 'Large, before',
  help: 'Trinity Large as it was before it was stable, 420 billion parameters. Shown for its plan.',
  source: 'Trinity, 6',
  published: true,
  changes: {
    ...large.changes,
    model: { ...large.changes.model, denseLayerCount: 3, linearPrecision: 'mxfp8' },
    data: { ...large.changes.data, intraDocumentMask: false },
    balance: { kind: 'sign', gamma: 1e-3 },
    loss: { zWeight: 0, sequenceBalance: 0 },
  },
});

/** The recipes before and after the changes: about stability, not about a size. */
export const stabilityPresets: ReadonlySet<string> = new Set(
  [stabilityBefore, stabilityAfter, largeBefore].map(({ id }) => id),
);
