/** @file What ended a run, in words: an error, a lost device, a step that is not a number. */
import { type DeviceLostError, NotFiniteError } from '@/engine/gpu/errors';
import type { Failure } from './commands';
import { diagnose } from './diagnose';
import type { Session } from './session';
import type { StepInputs } from './stepper';

/** Time for `device.lost` to resolve after the first failing call, ms. */
const LOSS_GRACE = 2000;

/** Why the device is gone; undefined where it is still there, so the error has another cause. */
export function lossOf({ open }: Session): Promise<DeviceLostError | undefined> {
  const grace = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), LOSS_GRACE);
  });
  return Promise.race([open.lost, grace]);
}

/** Any error, with its class. @param step finished steps. */
export function failureOf(error: unknown, step: number, checkpointStep?: number): Failure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message, step, ...(checkpointStep === undefined ? {} : { checkpointStep }) };
}

/**
 * The first tensor of a halted run that is not finite.
 * @param step 0-based step that went wrong.
 * @param inputs what it ate, where that is still known.
 */
export async function notFiniteFailure(
  session: Session,
  step: number,
  inputs: StepInputs | undefined,
  checkpointStep: number,
): Promise<Failure> {
  const found = inputs && (await diagnose(session, inputs));
  const tensor = found?.tensor ?? 'loss';
  const words = `Step ${step + 1} is not a number, first in ${tensor}. Nothing was updated since.`;
  return { ...failureOf(new NotFiniteError(words, tensor), step + 1, checkpointStep), tensor };
}
