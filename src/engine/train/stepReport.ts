/** @file Tells what a step found: scalars always, arrays where a view watches. */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { attentionView } from './attentionView';
import { maxVio, metricsOf } from './numbers';
import type { Emit } from './probes';
import type { StepNumbers, StepWishes } from './stepper';

export interface StepReport {
  /** 0-based. */
  readonly step: number;
  readonly numbers: StepNumbers;
  readonly wishes: StepWishes;
  readonly batch: Batch;
  readonly settings: Settings;
  readonly isLoadWatched: boolean;
  readonly domainCount: number;
  /** Mean wall time of a step, ms, where it is known. */
  readonly stepTime: number | undefined;
  readonly deviceBytes: number;
}

export function reportStep(emit: Emit, report: StepReport): void {
  const { numbers, wishes, batch, settings, stepTime, deviceBytes } = report;
  const { batchSequences, contextLength } = settings.data;
  const step = report.step + 1;
  const hasMixtures = mixtureLayers(settings.model).length > 0;
  const pace = stepTime
    ? {
        'train.stepTime': stepTime,
        'train.tokensPerSecond': (1000 * batchSequences * contextLength) / stepTime,
      }
    : {};
  const scalars = metricsOf(numbers, report.step, settings, hasMixtures);
  emit('metrics', { step, values: { ...scalars, ...pace, 'memory.deviceBytes': deviceBytes } });
  if (numbers.attention && wishes.attention) {
    emit('attention', attentionView(numbers.attention, wishes.attention, batch, settings, step));
  }
  if (!hasMixtures) return;
  const { counts } = numbers;
  if (report.isLoadWatched)
    emit('load', { step, counts, maxVio: maxVio(counts, settings.model.expertCount) });
  if (numbers.bias) emit('bias', { step, ...numbers.bias });
  if (numbers.domains) {
    const tokens = new Uint32Array(report.domainCount);
    for (const domain of batch.domains) tokens[domain]!++;
    emit('domains', { step, counts: numbers.domains, tokens });
  }
}
