/** @file What a dispatch is for: the groups in which the time of a step is told. */
import type { TracedAction } from '@/engine/gpu/profiler';
import { opOf } from '@/engine/gpu/work';
import type { KernelKind, KernelUse } from './commands';

/** Kind by op, of forward and backward; the update is told as a whole. */
const KINDS: Readonly<Record<string, KernelKind>> = {
  matmul: 'matmul',
  mxfp8: 'matmul',
  groupedMatmul: 'experts',
  dispatch: 'router',
  gatherSum: 'experts',
  combine: 'experts',
  recycle: 'router',
  router: 'router',
  routingStatistics: 'router',
  switchBalance: 'router',
  addCounts: 'router',
  attention: 'attention',
  headNormRope: 'attention',
  rmsNorm: 'norms',
  residualNorm: 'norms',
  columnSum: 'norms',
  swiglu: 'gates',
  sigmoidGate: 'gates',
  embedding: 'ends',
  crossEntropy: 'ends',
  lossSum: 'ends',
};

/** @param isUpdate whether it belongs to the optimizer's half of the step. */
function kindOf({ action }: TracedAction, isUpdate: boolean): KernelKind {
  if (action.section !== undefined) return 'views';
  if (isUpdate) return 'optimizer';
  return KINDS[opOf(action.kernel)] ?? 'other';
}

/** The traced dispatches of a step by kind and kernel, in the order of their first. */
export function kernelUses(
  traced: readonly TracedAction[],
  isUpdate: (one: TracedAction) => boolean,
): KernelUse[] {
  const uses = new Map<string, KernelUse>();
  for (const one of traced) {
    const { kernel, work } = one.action;
    const kind = kindOf(one, isUpdate(one));
    const name = kernel.entryPoint === 'main' ? kernel.name : `${kernel.name} ${kernel.entryPoint}`;
    const key = `${kind} ${name}`;
    const sum = uses.get(key) ?? { kind, kernel: name, calls: 0, ms: 0, flops: 0, bytes: 0 };
    uses.set(key, {
      ...sum,
      calls: sum.calls + 1,
      ms: one.ms === undefined || sum.ms === undefined ? undefined : sum.ms + one.ms,
      flops: sum.flops + work.flops,
      bytes: sum.bytes + work.bytes,
    });
  }
  return [...uses.values()];
}
