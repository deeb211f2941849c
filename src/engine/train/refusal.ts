/** @file Whether an adapter can hold a run, and what would make it fit. */
import { experimentOn, resolve } from '@/engine/config/experiment';
import { presets, stabilityPresets } from '@/engine/config/presets';
import { type Settings, withValue } from '@/engine/config/settings';
import { domainIds } from '@/engine/data/domains';
import type { MemoryLimits } from '@/engine/gpu/arena';
import { LimitError } from '@/engine/gpu/errors';
import { planRun } from './assembly';
import type { Plan } from './commands';

/** Sizes of runs that no binding holds are still to be told: plans are made without limits. */
export const NO_LIMITS: MemoryLimits = {
  maxBufferBytes: Number.MAX_SAFE_INTEGER,
  maxBindingBytes: Number.MAX_SAFE_INTEGER,
};

/** WebGPU does not tell the memory of a card: this much is tried anyway, or as much as one buffer may have. */
const LEAST_ROOM = 4 * 2 ** 30;

/** Why an adapter cannot hold a run; undefined where it can. */
export function refusalOf(
  values: Settings,
  plan: Plan,
  limits: MemoryLimits,
): NonNullable<Plan['refusal']> | undefined {
  const message = misfit(values, plan, limits);
  if (!message) return undefined;
  return {
    message,
    recomputedBytes: recomputedBytes(values, limits),
    fits: largestPreset(values.model.family, limits),
  };
}

/** Bytes of the same run with its blocks recomputed, where that makes it fit. */
function recomputedBytes(values: Settings, limits: MemoryLimits): number | undefined {
  if (values.run.activationCheckpointing) return undefined;
  const recomputed = withValue(values, 'run.activationCheckpointing', true);
  const plan = planRun(recomputed, NO_LIMITS, domainIds.length);
  return misfit(recomputed, plan, limits) ? undefined : plan.bytes.total;
}

function largestPreset(family: Settings['model']['family'], limits: MemoryLimits) {
  const fitting = presets.filter((preset) => {
    const values = resolve(experimentOn(preset.id));
    const isCandidate =
      !preset.published && !stabilityPresets.has(preset.id) && values.model.family === family;
    return isCandidate && !misfit(values, planRun(values, NO_LIMITS, domainIds.length), limits);
  });
  return fitting.at(-1)?.id;
}

function misfit(values: Settings, { bytes }: Plan, limits: MemoryLimits): string | undefined {
  const gib = (n: number) => `${(n / 2 ** 30).toFixed(2)} GiB`;
  const room = Math.max(LEAST_ROOM, limits.maxBufferBytes);
  if (bytes.total > room) {
    return `It needs ${gib(bytes.total)}; a tab can count on ${gib(room)} with this adapter.`;
  }
  try {
    planRun(values, limits, domainIds.length);
    return undefined;
  } catch (error) {
    if (error instanceof LimitError) return `${error.message}.`;
    throw error;
  }
}
