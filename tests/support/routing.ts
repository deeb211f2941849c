/** @file The record that a mixture layer writes, for tests of single ops: its counts start at 7, the rest at 5. */
import type { RoutingRecord } from '@/engine/ops/routingStatistics';
import type { Bench } from './lab';

export const routingRecord = (bench: Bench, L: number, B: number, E: number): RoutingRecord => ({
  counts_LE: bench.tensor([L, E], new Array(L * E).fill(7), 'u32'),
  statistics_LB2: bench.tensor([L, B, 2], new Array(2 * L * B).fill(5)),
  meanScore_LBE: bench.tensor([L, B, E], new Array(L * B * E).fill(5)),
  switch_L: bench.tensor([L], new Array(L).fill(5)),
});
