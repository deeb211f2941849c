/** @file CPU time of encoding a step: all its dispatches into a command buffer, which then is not submitted. */
import { experimentOn, resolve } from '@/engine/config/experiment';
import type { OpenDevice } from '@/engine/gpu/device';
import { Program } from '@/engine/gpu/program';
import { type Summary, summary } from './statistics';
import { StepRun } from './stepRun';

export interface EncodingResult {
  readonly name: string;
  readonly dispatches: number;
  /** Of one step, ms. */
  readonly ms: Summary;
}

/** Presets whose step is encoded. */
export const encodingPresets = ['micro', 'small'] as const;

/** Steps in a sample: a clock of a browser counts in steps of 5 to 100 µs. */
const STEPS = 50;

/** @param samples how often to measure */
export async function encodingOf(
  open: OpenDevice,
  preset: string,
  samples: number,
): Promise<EncodingResult> {
  const run = await StepRun.create(open, resolve(experimentOn(preset)));
  const { microBatch, update } = run.stepper.programs;
  const step = () =>
    Program.runTogether([microBatch, update], {
      before: (encoder) => run.state.clearStep(encoder),
    });
  const { queue } = open.device;
  const submit = queue.submit.bind(queue);
  // What the device does with it is another matter, and takes far longer.
  queue.submit = () => undefined;
  try {
    step();
    const times = Array.from({ length: samples }, () => {
      const start = performance.now();
      for (let i = 0; i < STEPS; i++) step();
      return (performance.now() - start) / STEPS;
    });
    const dispatches = [microBatch, update].flatMap((program) => program.due(undefined)).length;
    return { name: `encode ${preset}`, dispatches, ms: summary(times) };
  } finally {
    queue.submit = submit;
    run.destroy();
  }
}
