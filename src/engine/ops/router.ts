/**
 * @file Scores, choice and gates of a mixture layer, and its rows in the order of their experts. Trinity, eq. 15–18
 * and 29–32; softmax scores and capacity: Hunyuan-Large, arXiv:2411.02265, 2.2.3.
 */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/router.backward.wgsl?raw';
import forwardWgsl from '@/shaders/router.forward.wgsl?raw';
import { type Dispatched, dispatch } from './dispatch';
import { type Capacity, recycle } from './recycle';
import { type RoutingRecord, routingStatistics } from './routingStatistics';

/**
 * Weights of the sequence-wise balance loss and of the one over the whole pass; isForced deals tokens out in turn,
 * whatever the scores are.
 */
export const routerLive = {
  alpha: 'f32',
  switchWeight: 'f32',
  isForced: 'u32',
} as const satisfies Fields;

const params = {
  T: 'u32',
  E: 'u32',
  K: 'u32',
  S: 'u32',
  row: 'u32',
  isSoftmax: 'u32',
  isNormalised: 'u32',
  routeScale: 'f32',
} as const;
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
    margin_T: 'read_write',
  },
  params,
  live: routerLive,
});
const backward = defineKernel({
  name: 'router.backward',
  wgsl: backwardWgsl,
  entryPoint: 'main',
  buffers: {
    scores_TE: 'read',
    scoreSum_T: 'read',
    selected_TK: 'read',
    gates_TK: 'read',
    dgates_TK: 'read',
    fraction_BE: 'read',
    counts_LE: 'read',
    dlogits_TE: 'read_write',
  },
  params,
  live: routerLive,
});

export interface Router {
  /** [L, E]: selection biases of all mixture layers. */
  readonly bias_LE: Tensor;
  /** Where counts and statistics of each layer go. */
  readonly record: RoutingRecord;
  /** Row of this layer in both. */
  readonly row: number;
  readonly expertsPerToken: number;
  readonly sequenceLength: number;
  readonly scoring: 'sigmoid' | 'softmax';
  /** Gates are shares of the chosen scores; else the scores themselves. */
  readonly isNormalised: boolean;
  /** Multiplies the gates. */
  readonly routeScale: number;
  readonly live: LiveBlock<keyof typeof routerLive>;
  /** What experts take at most; undefined: everything. */
  readonly capacity: Capacity | undefined;
}

export interface Routed {
  /** [T, E] scores without bias. */
  readonly scores_TE: Tensor;
  /** u32 [T, K] the router's own choice, best first. */
  readonly chosen_TK: Tensor;
  /** u32 [T, K] where the tokens go in the end: the choice, but for tokens that found their expert full. */
  readonly selected_TK: Tensor;
  /** [T, K] weights of the experts' outputs; 0 where a token was dropped. */
  readonly gates_TK: Tensor;
  /** Rows (token, choice) in the order of their experts. */
  readonly dispatched: Dispatched;
}

/** Chooses K experts for every token of logits [T, E]. */
export function router(tape: Tape, logits_TE: Tensor, options: Router): Routed {
  const { bias_LE, record, row, sequenceLength, live, capacity } = options;
  const [T, E] = expectShape('router logits_TE', logits_TE, 2);
  const [L] = expectShape('router bias_LE', bias_LE, 2);
  expectShape('router bias_LE', bias_LE, [L, E]);
  const K = options.expertsPerToken;
  const scores_TE = tape.tensor([T, E], 'router scores');
  const scoreSum_T = tape.tensor([T], 'router score sum');
  const margin_T = tape.tensor([T], 'router margin');
  const chosen_TK = tape.tensor([T, K], 'router chosen', 'u32');
  const own_TK = tape.tensor([T, K], 'router gates');
  const groups = Math.ceil(T / forward.threads);
  const values = {
    ...{ T, E, K, S: sequenceLength, row },
    isSoftmax: Number(options.scoring === 'softmax'),
    isNormalised: Number(options.isNormalised),
    routeScale: options.routeScale,
  };
  const written = { scores_TE, scoreSum_T, selected_TK: chosen_TK, gates_TK: own_TK, margin_T };
  const cost = T * E * (K + 5);
  tape.dispatch(forward, { logits_TE, bias_LE, ...written }, values, groups, { live, cost });
  const choice = { scores_TE, scoreSum_T, selected_TK: chosen_TK, margin_T };
  const { fraction_BE, found } = tape.together(() => ({
    fraction_BE: routingStatistics(tape, { ...choice, record, row, sequenceLength }),
    found: dispatch(tape, chosen_TK, record.counts_LE, row),
  }));
  const placed = capacity
    ? recycle(tape, { ...options, ...capacity, scores_TE, chosen_TK, dispatched: found })
    : { selected_TK: chosen_TK, gates_TK: own_TK, dispatched: found };

  const { selected_TK, gates_TK } = placed;
  tape.onBackward(() => {
    const { tensor: dlogits_TE } = tape.gradientOf(logits_TE);
    const read = { scores_TE, scoreSum_T, selected_TK, gates_TK, fraction_BE };
    const tensors = { ...read, counts_LE: record.counts_LE, dgates_TK: tape.upstream(gates_TK) };
    tape.dispatch(backward, { ...tensors, dlogits_TE }, values, groups, { live, cost });
  });
  return { scores_TE, chosen_TK, ...placed };
}
