/** @file The split of a step by kernel, as somebody watches it: the peaks, and the mean of the last measured steps. */
import type { OpenDevice } from '@/engine/gpu/device';
import type { Events, KernelUse, Peaks } from './commands';
import { peaksOf } from './peaks';

/** One step, measured. */
export interface KernelProfile {
  readonly uses: readonly KernelUse[];
  readonly submits: number;
  /** CPU time of encoding and submitting the last step that was not measured, ms; undefined before there was one. */
  readonly encodeMs: number | undefined;
}

/** Steps that the mean is taken over. */
const MOST = 8;

export class KernelWatch {
  #profiles: KernelProfile[] = [];
  #measuredOn: OpenDevice | undefined;
  #peaks: Peaks | undefined;

  /** Whether the peaks of this device are still to be measured. */
  isDue(open: OpenDevice): boolean {
    return this.#measuredOn !== open;
  }

  /** Measures the peaks; nothing else may be in the queue. */
  async measure(open: OpenDevice): Promise<void> {
    this.#peaks = await peaksOf(open);
    this.#measuredOn = open;
    this.#profiles = [];
  }

  /** Nobody watches any more, or the run is another. */
  forget(): void {
    this.#profiles = [];
  }

  /** What is told after a measured step, which is counted from 1. */
  report(step: number, profile: KernelProfile): Events['kernels'] {
    this.#profiles = [...this.#profiles, profile].slice(-MOST);
    return {
      step,
      steps: this.#profiles.length,
      uses: meanOf(this.#profiles),
      submits: profile.submits,
      encodeMs: profile.encodeMs,
      peaks: this.#peaks,
    };
  }
}

const keyOf = ({ kind, kernel }: KernelUse): string => `${kind} ${kernel}`;

/** Means over the profiles; a kernel that one of them lacks counts as 0 there. Longest first, else by kernel. */
function meanOf(profiles: readonly KernelProfile[]): KernelUse[] {
  const sums = new Map<string, KernelUse>();
  for (const use of profiles.flatMap(({ uses }) => uses)) {
    const sum = sums.get(keyOf(use));
    sums.set(keyOf(use), sum ? added(sum, use) : use);
  }
  const n = profiles.length;
  return [...sums.values()]
    .map((sum) => ({
      ...sum,
      calls: sum.calls / n,
      ms: sum.ms === undefined ? undefined : sum.ms / n,
      flops: sum.flops / n,
      bytes: sum.bytes / n,
    }))
    .sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0));
}

const added = (a: KernelUse, b: KernelUse): KernelUse => ({
  ...a,
  calls: a.calls + b.calls,
  ms: a.ms === undefined || b.ms === undefined ? undefined : a.ms + b.ms,
  flops: a.flops + b.flops,
  bytes: a.bytes + b.bytes,
});
