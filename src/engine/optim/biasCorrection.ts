/** @file What changes from step to step in the optimizers' own numbers: Adam's bias correction. */

/**
 * 1 - beta^(step + 1) at the 0-based `step`: what a moment that started at 0 is divided by. Takes beta as
 * float32 has it, as the kernel does: for beta near 1 the rounding would show.
 */
export const biasCorrection = (beta: number, step: number): number =>
  1 - Math.fround(beta) ** (step + 1);
