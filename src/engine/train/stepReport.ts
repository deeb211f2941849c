/** @file Tells what a step found: scalars always, arrays where a view watches. */
import { mixtureLayers } from '@/engine/config/layers';
import { attentionView } from './attentionView';
import { maxVio } from './loadFigures';
import { metricsOf } from './numbers';
import type { Pace, Wishes } from './pacing';
import type { RunParts } from './runParts';
import type { Session } from './session';
import type { Stability } from './stability';
import type { StepNumbers, StepWishes } from './stepNumbers';
import type { StepInputs } from './stepper';

export interface StepReport extends StepInputs {
  readonly numbers: StepNumbers;
  readonly wishes: StepWishes;
  /** What the last steps together say. */
  readonly stability: Stability;
  readonly watching: Wishes;
  readonly pace: Pace;
  readonly session: Session;
}

export function reportStep(parts: RunParts, report: StepReport): void {
  const { emit } = parts;
  const { numbers, wishes, batches, settings, stability, session } = report;
  const { batchSequences, contextLength } = settings.data;
  const step = report.step + 1;
  const hasMixtures = mixtureLayers(settings.model).length > 0;
  const { stepTime } = report.pace;
  const pace = stepTime
    ? {
        'train.stepTime': stepTime,
        'train.tokensPerSecond':
          (1000 * batches.length * batchSequences * contextLength) / stepTime,
      }
    : {};
  const scalars = metricsOf(numbers, report.step, settings, hasMixtures);
  const rest = { ...stability.values, ...pace, 'memory.deviceBytes': session.deviceBytes };
  emit('metrics', { step, values: { ...scalars, ...rest } });
  if (numbers.attention && wishes.attention) {
    const last = batches.at(-1)!;
    emit('attention', attentionView(numbers.attention, wishes.attention, last, settings, step));
  }
  if (numbers.kernels) emit('kernels', report.watching.kernels.report(step, numbers.kernels));
  if (!hasMixtures) return;
  const { counts } = numbers;
  if (report.watching.watch.load)
    emit('load', { step, counts, maxVio: maxVio(counts, settings.model.expertCount) });
  if (numbers.bias) emit('bias', { step, ...numbers.bias });
  if (numbers.domains) {
    const tokens = new Uint32Array(parts.data.domains.length);
    for (const { domains } of batches) for (const domain of domains) tokens[domain]!++;
    emit('domains', { step, counts: numbers.domains, tokens });
  }
}
