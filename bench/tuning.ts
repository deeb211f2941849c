/** @file The choice of kernels that is measured with: what a run would take once its adapter is known. */
import type { OpenDevice } from '@/engine/gpu/device';
import type { Question, TuningTable } from '@/engine/gpu/tuning';
import { autotune } from '@/engine/tune/autotune';

/** Answers to all questions, however long a compiler takes over the kernels. */
export const tableOf = (open: OpenDevice, questions: readonly Question[]): Promise<TuningTable> =>
  autotune(open, questions, {}, undefined, Number.POSITIVE_INFINITY);
