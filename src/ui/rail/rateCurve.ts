/** @file The course of the learning rates over a run, as points of a small picture. */
import { learningRateFactor } from '@/engine/config/learningRate';
import type { Settings } from '@/engine/config/settings';

type Schedule = Settings['schedule'];

/** Room behind the last thing that happens, as a share of the run up to it. */
const AFTER = 0.08;
/** A constant rate is shown at least for so many times its warm-up. */
const WARM_UPS = 4;
const LEAST_STEPS = 100;

/** Steps that the picture spans: past the last anneal, growth of the batch, and the step that the run stands at. */
export function previewEnd(schedule: Schedule, step: number): number {
  const { warmupSteps, decay, totalSteps, secondDecay, secondEnd, growAt, growAgainAt } = schedule;
  const anneal = decay === 'none' ? 0 : secondDecay === 'none' ? totalSteps : secondEnd;
  const last = Math.max(anneal, growAt, growAt > 0 ? growAgainAt : 0, step);
  return Math.max(LEAST_STEPS, WARM_UPS * warmupSteps, Math.ceil(last * (1 + AFTER)));
}

/** The factor on every peak rate at `count` + 1 steps from 0 to `end`, and at the steps where it bends. */
export function rateCurve(
  schedule: Schedule,
  end: number,
  count: number,
): { readonly step: number; readonly factor: number }[] {
  const { warmupSteps, decayStart, totalSteps, secondEnd } = schedule;
  const bends = [warmupSteps - 1, warmupSteps, decayStart, totalSteps, secondEnd];
  const even = Array.from({ length: count + 1 }, (_, i) => Math.round((i * end) / count));
  const steps = [...even, ...bends.filter((step) => step >= 0 && step <= end)];
  return [...new Set(steps)]
    .sort((a, b) => a - b)
    .map((step) => ({ step, factor: learningRateFactor(step, schedule) }));
}
