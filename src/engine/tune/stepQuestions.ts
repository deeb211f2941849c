/** @file What a training step asks of a tuning. */
import type { Settings } from '@/engine/config/settings';
import type { MemoryLimits } from '@/engine/gpu/arena';
import type { Question } from '@/engine/gpu/tuning';
import { recordStep } from '@/engine/train/recordStep';
import { RunState } from '@/engine/train/state';
import { questionsOf } from './autotune';

/** Other passes of a run have about the same shapes, or are over at once. */
export const stepQuestions = (settings: Settings, limits: MemoryLimits): Question[] =>
  questionsOf((tuning) => {
    // Domains and positions behind the batch change no product.
    recordStep(new RunState(settings, limits, settings.data.contextLength, 1, tuning), true);
  });
