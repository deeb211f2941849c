/** @file How learning rates go over a run: warm-up, constant, one or two anneals. Trinity, 3.4.2; dots.llm1, 4.2. */
import type { Settings } from './settings';

type Schedule = Settings['schedule'];

interface Anneal {
  readonly shape: 'linear' | 'cosine';
  readonly start: number;
  readonly end: number;
  /** Factors at its start and at its end. */
  readonly from: number;
  readonly to: number;
}

/**
 * Factor on every peak rate at the 0-based `step`: (step + 1) / warm-up, then 1, then the decay, then the second
 * one from where the first has ended. Warm-up goes before decay where the two overlap; a decay that ends before
 * it starts is over at once; there is no second decay without a first.
 */
export function learningRateFactor(step: number, schedule: Schedule): number {
  const { warmupSteps, decay, decayStart, totalSteps, finalRatio } = schedule;
  const { secondDecay, secondEnd, secondRatio } = schedule;
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (decay === 'none' || step < decayStart) return 1;
  if (step < totalSteps || secondDecay === 'none')
    return annealed(step, {
      shape: decay,
      start: decayStart,
      end: totalSteps,
      from: 1,
      to: finalRatio,
    });
  const second = { start: totalSteps, end: secondEnd, from: finalRatio, to: secondRatio };
  return annealed(step, { shape: secondDecay, ...second });
}

/** Factor at `step` of an anneal that has started; the one at its end from there on. */
export function annealed(step: number, { shape, start, end, from, to }: Anneal): number {
  const progress = step < end ? (step - start) / (end - start) : 1;
  return shape === 'linear'
    ? from + (to - from) * progress
    : to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;
}
