/** @file Balance loss over a whole pass: Switch Transformer, arXiv:2101.03961, eq. 4, as Hunyuan-Large uses it. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import wgsl from '@/shaders/switchBalance.wgsl?raw';
import type { RoutingRecord } from './routingStatistics';

const kernel = defineKernel({
  name: 'switchBalance',
  wgsl,
  entryPoint: 'main',
  buffers: { counts_LE: 'read', meanScore_LBE: 'read', switch_L: 'read_write' },
  params: { L: 'u32', B: 'u32', S: 'u32', E: 'u32' },
});

/**
 * Writes the loss of every layer, without its weight, from the finished record of a pass: E times the sum over
 * experts of their share of the tokens and their mean score; K at perfect balance of softmax scores. Its gradient
 * is taken by `router`.
 */
export function switchBalance(tape: Tape, record: RoutingRecord, sequenceLength: number): void {
  const { counts_LE, meanScore_LBE, switch_L } = record;
  const [L, B, E] = expectShape('switchBalance meanScore_LBE', meanScore_LBE, 3);
  expectShape('switchBalance counts_LE', counts_LE, [L, E]);
  expectShape('switchBalance switch_L', switch_L, [L]);
  const tensors = { counts_LE, meanScore_LBE, switch_L };
  tape.dispatch(kernel, tensors, { L, B, S: sequenceLength, E }, L, { cost: L * B * E });
}
