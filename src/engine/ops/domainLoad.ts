/** @file How many rows of each expert come from each domain of the data: load by domain, dots.llm1 section 4. */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/domainLoad.wgsl?raw';
import type { Dispatched } from './dispatch';

const kernel = defineKernel({
  name: 'domainLoad',
  wgsl,
  entryPoint: 'main',
  buffers: { segments: 'read', source_R: 'read', domains_T: 'read', counts: 'read_write' },
  params: { E: 'u32', M: 'u32', K: 'u32', row: 'u32' },
});

/** counts (u32 [L, domains, E]): to row `row` are added the rows of each expert by the domain of their token. */
export function domainLoad(
  tape: Tape,
  dispatched: Dispatched,
  domains_T: Tensor,
  counts: Tensor,
  row: number,
): void {
  const { segments, source_R, expertCount: E, expertsPerToken: K, rowCount } = dispatched;
  const [, M] = expectShape('domainLoad counts', counts, 3);
  const params = { E, M, K, row };
  const groups = Math.ceil((M * E) / kernel.threads);
  tape.dispatch(kernel, { segments, source_R, domains_T, counts }, params, groups, {
    cost: M * rowCount,
  });
}
