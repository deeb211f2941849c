/** @file Scores, choice and gates of a mixture layer. Trinity, eq. 15–18 and 29–32. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/router.backward.wgsl?raw';
import forwardWgsl from '@/shaders/router.forward.wgsl?raw';
import { sequenceBalance } from './sequenceBalance';

const forward = defineKernel({
  name: 'router.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: {
    logits_TE: 'read',
    bias_LE: 'read',
    scores_TE: 'read_write',
    scoreSum_T: 'read_write',
    selected_TK: 'read_write',
    gates_TK: 'read_write',
  },
  params: { T: 'u32', E: 'u32', K: 'u32', row: 'u32', routeScale: 'f32' },
});
export const balanceLossFields = { alpha: 'f32' } as const;
const backward = defineKernel({
  name: 'router.backward',
  wgsl: backwardWgsl,
  entryPoint: 'main',
  buffers: {
    scores_TE: 'read',
    scoreSum_T: 'read',
    selected_TK: 'read',
    dgates_TK: 'read',
    fraction_BE: 'read',
    dlogits_TE: 'read_write',
  },
  params: { T: 'u32', E: 'u32', K: 'u32', S: 'u32', routeScale: 'f32' },
  live: balanceLossFields,
});

export interface Router {
  /** [L, E]: selection biases of all mixture layers. */
  readonly bias_LE: Tensor;
  /** [L, B]: where the balance loss of each layer and sequence goes, without its weight. */
  readonly balanceLoss_LB: Tensor;
  /** Row of this layer in both. */
  readonly row: number;
  readonly expertsPerToken: number;
  readonly sequenceLength: number;
  /** Multiplies the normalised gates. */
  readonly routeScale: number;
  /** Weight of the sequence-wise balance loss. */
  readonly live: LiveBlock<'alpha'>;
}

export interface Routed {
  /** [T, E] sigmoid scores without bias. */
  readonly scores_TE: Tensor;
  /** u32 [T, K] expert ids, best choice first. */
  readonly selected_TK: Tensor;
  /** [T, K] weights of the experts' outputs; they sum to the route scale. */
  readonly gates_TK: Tensor;
}

/** Chooses K experts for every token of logits [T, E]. */
export function router(tape: Tape, logits_TE: Tensor, options: Router): Routed {
  const { bias_LE, row, expertsPerToken: K, sequenceLength: S, routeScale, live } = options;
  const [T, E] = expectShape('router logits_TE', logits_TE, 2);
  const [L] = expectShape('router bias_LE', bias_LE, 2);
  expectShape('router bias_LE', bias_LE, [L, E]);
  const scores_TE = tape.tensor([T, E], 'router scores');
  const scoreSum_T = tape.tensor([T], 'router score sum');
  const selected_TK = tape.tensor([T, K], 'router selected', 'u32');
  const gates_TK = tape.tensor([T, K], 'router gates');
  const groups = Math.ceil(T / forward.threads);
  const params = { T, E, K, routeScale };
  const written = { scores_TE, scoreSum_T, selected_TK, gates_TK };
  const cost = T * E * (K + 4);
  tape.dispatch(forward, { logits_TE, bias_LE, ...written }, { ...params, row }, groups, { cost });
  const fraction_BE = sequenceBalance(tape, {
    scores_TE,
    scoreSum_T,
    selected_TK,
    loss_LB: options.balanceLoss_LB,
    row,
    sequenceLength: S,
  });

  tape.onBackward(() => {
    const { tensor: dlogits_TE } = tape.gradientOf(logits_TE);
    const dgates_TK = tape.upstream(gates_TK);
    const tensors = { scores_TE, scoreSum_T, selected_TK, dgates_TK, fraction_BE, dlogits_TE };
    tape.dispatch(backward, tensors, { ...params, S }, groups, { live, cost });
  });
  return { scores_TE, selected_TK, gates_TK };
}
