/**
 * @file What is left of a run's learning rates, as other trainers tell theirs: counted from where they start, a
 * warm-up, a constant stretch, one decay.
 */
import { learningRateFactor } from '@/engine/config/learningRate';
import type { Settings } from '@/engine/config/settings';

type Schedule = Settings['schedule'];

/** Steps to go on for where no decay tells. */
const OPEN_END = 1000;

export interface DecayAhead {
  readonly shape: 'linear' | 'cosine';
  /** Steps from now to its start; below 0: it has begun that many steps ago. */
  readonly startsIn: number;
  readonly steps: number;
  /** Share of the peak rates that it ends at. */
  readonly to: number;
}

export interface ScheduleAhead {
  readonly steps: number;
  readonly warmupSteps: number;
  /** Share of the peak rates that the decay starts from, or that stays where there is none. */
  readonly level: number;
  readonly decay?: DecayAhead;
}

/**
 * The schedule after `step` finished steps, to the end of the decay that is next or under way. Where a second one
 * follows, it is left out: see `leavesSecondDecayOut`.
 */
export function scheduleAhead(schedule: Schedule, step: number): ScheduleAhead {
  const warmupSteps = Math.max(0, schedule.warmupSteps - step);
  const next = nextDecay(schedule, step);
  if (!next) {
    const settled = Math.max(step, schedule.warmupSteps);
    return { steps: OPEN_END, warmupSteps, level: learningRateFactor(settled, schedule) };
  }
  const { shape, start, end, from, to } = next;
  const decay = { shape, startsIn: start - step, steps: end - start, to };
  return { steps: end - step, warmupSteps, level: from, decay };
}

/** Whether the run still has a second decay that `scheduleAhead` does not tell of. */
export const leavesSecondDecayOut = (schedule: Schedule, step: number): boolean =>
  schedule.secondDecay !== 'none' &&
  step < schedule.secondEnd &&
  nextDecay(schedule, step)?.end !== schedule.secondEnd;

/** A decay that rises from 0 has no share to count in, so it is none. */
function nextDecay(schedule: Schedule, step: number) {
  const { decay, decayStart, totalSteps, finalRatio } = schedule;
  const { secondDecay, secondEnd, secondRatio } = schedule;
  if (decay !== 'none' && step < totalSteps) {
    return { shape: decay, start: decayStart, end: totalSteps, from: 1, to: finalRatio };
  }
  if (secondDecay !== 'none' && step < secondEnd && finalRatio > 0) {
    return {
      shape: secondDecay,
      start: totalSteps,
      end: secondEnd,
      from: finalRatio,
      to: secondRatio,
    };
  }
  return undefined;
}

/** A product of rates without the last digits that only rounding has made. */
export const roundedRate = (rate: number): number => Number(rate.toPrecision(12));
