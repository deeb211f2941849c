/** @file How many micro-batches a step has: the batch may grow twice in a run. Trinity, 3.4.2; dots.llm1, 4.2. */
import type { Settings } from './settings';

type Schedule = Settings['schedule'];

/** Micro-batches of the 0-based `step`. */
export function microBatchesAt(step: number, schedule: Schedule): number {
  const { growAt, growAgainAt } = schedule;
  if (growAgainAt > 0 && step >= growAgainAt) return schedule.grownAgainMicroBatches;
  if (growAt > 0 && step >= growAt) return schedule.grownMicroBatches;
  return schedule.microBatches;
}

/** Whether any step of the run has several micro-batches. */
export const isEverSplit = ({ growAt, growAgainAt, ...counts }: Schedule): boolean =>
  counts.microBatches > 1 ||
  (growAt > 0 && counts.grownMicroBatches > 1) ||
  (growAgainAt > 0 && counts.grownAgainMicroBatches > 1);

/** The 0-based step that the 0-based micro-batch `index` of a run belongs to. */
export function stepOfMicroBatch(index: number, schedule: Schedule): number {
  const { growAt, growAgainAt } = schedule;
  const first = growAt > 0 ? growAt : Number.POSITIVE_INFINITY;
  const second = growAgainAt > 0 ? growAgainAt : Number.POSITIVE_INFINITY;
  const untilFirst = first * schedule.microBatches;
  if (index < untilFirst) return Math.floor(index / schedule.microBatches);
  const untilSecond = untilFirst + (second - first) * schedule.grownMicroBatches;
  if (index < untilSecond)
    return first + Math.floor((index - untilFirst) / schedule.grownMicroBatches);
  return second + Math.floor((index - untilSecond) / schedule.grownAgainMicroBatches);
}
