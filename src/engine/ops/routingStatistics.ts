/** @file What a mixture layer's routing was like, sequence by sequence: balance loss, mean scores, selection margin. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/routingStatistics.wgsl?raw';

const kernel = defineKernel({
  name: 'routingStatistics',
  wgsl,
  entryPoint: 'main',
  buffers: {
    scores_TE: 'read',
    scoreSum_T: 'read',
    selected_TK: 'read',
    margin_T: 'read',
    fraction_BE: 'read_write',
    meanScore_LBE: 'read_write',
    statistics_LB2: 'read_write',
  },
  params: { B: 'u32', S: 'u32', E: 'u32', K: 'u32', row: 'u32' },
});
/** What the routers of one pass find out, a row for each mixture layer. It outlives the pass. */
export interface RoutingRecord {
  /** u32 [L, E] rows (token, choice) of each expert, by the router's own choice. */
  readonly counts_LE: Tensor;
  /** [L, B, 2]: sequence-wise balance loss without its weight, and mean selection margin, of each sequence. */
  readonly statistics_LB2: Tensor;
  /** [L, B, E] mean score of each expert in each sequence. */
  readonly meanScore_LBE: Tensor;
  /** [L] balance loss over the whole pass, without its weight. */
  readonly switch_L: Tensor;
}

/** One mixture layer. */
export interface LayerRouting {
  readonly scores_TE: Tensor;
  readonly scoreSum_T: Tensor;
  /** u32 [T, K] the router's own choice. */
  readonly selected_TK: Tensor;
  readonly margin_T: Tensor;
  readonly record: RoutingRecord;
  readonly row: number;
  readonly sequenceLength: number;
}

/**
 * Writes one row of the record but for its counts. The sequence-wise loss is 1 at perfect balance (Trinity, eq.
 * 29–32); its gradient goes through P only and is taken by `router`. Returns f, [B, E].
 */
export function routingStatistics(tape: Tape, layer: LayerRouting): Tensor {
  const { scores_TE, scoreSum_T, selected_TK, margin_T, record, row, sequenceLength: S } = layer;
  const [T, E] = expectShape('routingStatistics scores_TE', scores_TE, 2);
  const [, K] = expectShape('routingStatistics selected_TK', selected_TK, 2);
  const B = T / S;
  const [L] = expectShape('routingStatistics statistics_LB2', record.statistics_LB2, 3);
  expectShape('routingStatistics statistics_LB2', record.statistics_LB2, [L, B, 2]);
  expectShape('routingStatistics meanScore_LBE', record.meanScore_LBE, [L, B, E]);
  const fraction_BE = tape.tensor([B, E], 'router fraction');
  const { meanScore_LBE, statistics_LB2 } = record;
  tape.dispatch(
    kernel,
    { scores_TE, scoreSum_T, selected_TK, margin_T, fraction_BE, meanScore_LBE, statistics_LB2 },
    { B, S, E, K, row },
    B,
    { cost: T * E * (K + 1) },
  );
  return fraction_BE;
}
