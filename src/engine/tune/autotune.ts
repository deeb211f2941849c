/** @file Measures which variants an adapter takes: a short contest for every class of shapes that a run asks about. */
import type { OpenDevice } from '@/engine/gpu/device';
import type { Progress } from '@/engine/gpu/pipelines';
import { type Question, shapeClass, type Tuning, type TuningTable } from '@/engine/gpu/tuning';
import { Contest } from './contest';
import { ruleFor, subjectOf, workOf } from './subjects';

/**
 * Time for all contests together, ms; what it leaves open keeps the fixed choice until the next run asks. A software
 * adapter compiles in its own time, seconds for a large kernel, and has few of them to try.
 */
const BUDGET_MS = { graphics: 1000, software: 4000 };

/** The questions of a recording, one for each class of shapes: the first that was asked. */
export function questionsOf(record: (tuning: Tuning) => void): Question[] {
  const asked = new Map<string, Question>();
  record((question) => {
    const key = shapeClass(question);
    if (!asked.has(key)) asked.set(key, question);
    return undefined;
  });
  return [...asked.values()];
}

/**
 * `known` and the answers to what it leaves open. Nothing else should be in the device's queue.
 * @throws {DeviceLostError, ShaderError}
 */
export async function autotune(
  open: OpenDevice,
  questions: readonly Question[],
  known: TuningTable,
  progress: Progress = () => {},
  budgetMs = BUDGET_MS[open.info.isSoftware ? 'software' : 'graphics'],
): Promise<TuningTable> {
  const table: Record<string, string> = { ...known };
  for (const question of questions) {
    const rule = ruleFor(question, open);
    if (rule !== undefined) table[shapeClass(question)] = rule;
  }
  const due = questions
    .filter((question) => table[shapeClass(question)] === undefined)
    .sort((one, other) => workOf(other) - workOf(one));
  let spent = 0;
  for (const [done, question] of due.entries()) {
    if (spent >= budgetMs) break;
    progress(done, due.length);
    const subject = subjectOf(question, open);
    if (!subject || subject.variants.length < 2) continue;
    const start = performance.now();
    const contest = await Contest.open(open, subject);
    const left = budgetMs - spent;
    try {
      const winner = await contest.winner(() => performance.now() - start >= left);
      if (winner !== undefined) table[shapeClass(question)] = winner;
    } finally {
      spent += performance.now() - start;
      contest.close();
    }
  }
  return table;
}
