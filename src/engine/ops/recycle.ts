/**
 * @file Sends tokens that found their expert full to free places of others, drawn at random, or drops them.
 * Hunyuan-Large, arXiv:2411.02265, 2.2.3, for one expert a token: an expert keeps its first tokens in token order.
 */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import placeWgsl from '@/shaders/recycle.place.wgsl?raw';
import rankWgsl from '@/shaders/recycle.rank.wgsl?raw';
import { type Dispatched, dispatch } from './dispatch';

/** What the draw depends on besides the layer: seed of the run, 0-based step, micro-batch within it. */
export const recycleLive = {
  seed: 'u32',
  step: 'u32',
  microBatch: 'u32',
} as const satisfies Fields;

const params = {
  T: 'u32',
  E: 'u32',
  capacity: 'u32',
  row: 'u32',
  isRecycled: 'u32',
  isNormalised: 'u32',
  routeScale: 'f32',
} as const;
const rank = defineKernel({
  name: 'recycle.rank',
  wgsl: rankWgsl,
  entryPoint: 'main',
  buffers: {
    chosen_T: 'read',
    segments: 'read',
    sorted_T: 'read',
    rank_T: 'read_write',
    free_E: 'read_write',
    overflow_L: 'read_write',
  },
  params,
});
const place = defineKernel({
  name: 'recycle.place',
  wgsl: placeWgsl,
  entryPoint: 'main',
  buffers: {
    chosen_T: 'read',
    scores_TE: 'read',
    rank_T: 'read',
    free_E: 'read',
    selected_T: 'read_write',
    gates_T: 'read_write',
  },
  params,
  live: recycleLive,
});

export interface Capacity {
  /** Tokens that one expert takes. */
  readonly capacity: number;
  /** Else they are dropped: gate 0. */
  readonly isRecycled: boolean;
  /** u32 [L] tokens that found their expert full; row `row` is written. */
  readonly overflow_L: Tensor;
  /** u32 [1, E] counts after sending on, a by-product. */
  readonly scratch_1E: Tensor;
  readonly live: LiveBlock<keyof typeof recycleLive>;
}

export interface Recycling extends Capacity {
  readonly scores_TE: Tensor;
  /** u32 [T, 1] the router's choice, and its rows. */
  readonly chosen_TK: Tensor;
  readonly dispatched: Dispatched;
  readonly row: number;
  readonly isNormalised: boolean;
  readonly routeScale: number;
}

/** Where every token goes in the end, with the gate of that expert; tokens that no expert has room for get gate 0. */
export function recycle(
  tape: Tape,
  options: Recycling,
): { selected_TK: Tensor; gates_TK: Tensor; dispatched: Dispatched } {
  const { scores_TE, chosen_TK, dispatched, overflow_L, scratch_1E, live } = options;
  const [T, E] = expectShape('recycle scores_TE', scores_TE, 2);
  expectShape('recycle chosen_TK', chosen_TK, [T, 1]);
  const rank_T = tape.tensor([T], 'recycle rank', 'u32');
  const free_E = tape.tensor([E + 1], 'recycle free places', 'u32');
  const selected_TK = tape.tensor([T, 1], 'recycled', 'u32');
  const gates_TK = tape.tensor([T, 1], 'recycled gates');
  const values = {
    ...{ T, E, capacity: options.capacity, row: options.row },
    isRecycled: Number(options.isRecycled),
    isNormalised: Number(options.isNormalised),
    routeScale: options.routeScale,
  };
  const { segments, sorted_R: sorted_T } = dispatched;
  const chosen_T = chosen_TK.view([T]);
  tape.dispatch(rank, { chosen_T, segments, sorted_T, rank_T, free_E, overflow_L }, values, 1, {
    cost: T,
  });
  const written = { selected_T: selected_TK.view([T]), gates_T: gates_TK.view([T]) };
  const groups = Math.ceil(T / place.threads);
  tape.dispatch(place, { chosen_T, scores_TE, rank_T, free_E, ...written }, values, groups, {
    live,
    cost: 64 * T,
  });
  return { selected_TK, gates_TK, dispatched: dispatch(tape, selected_TK, scratch_1E, 0) };
}
