/**
 * @file What an adapter can do at most: multiply-adds in registers, and a copy. Nothing of a model; every other
 * kernel is held against these two.
 */
import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import copyWgsl from '@/shaders/peak.copy.wgsl?raw';
import fmaWgsl from '@/shaders/peak.fma.wgsl?raw';

const fma = defineKernel({
  name: 'peak.fma',
  wgsl: fmaWgsl,
  entryPoint: 'main',
  buffers: { seeds: 'read', sums: 'read_write' },
  params: { rounds: 'u32' },
});
const copy = defineKernel({
  name: 'peak.copy',
  wgsl: copyWgsl,
  entryPoint: 'main',
  buffers: { source: 'read', copied: 'read_write' },
  params: { N4: 'u32' },
});

/** Multiply-adds of a thread in one round of the loop in `peak.fma.wgsl`. */
const ROUND = 48;

/**
 * Twelve sums a thread, each sum * factor + summand, four times a round, added up into sums [threads].
 * @param seeds [2]: factor and summand; a factor below one keeps the sums finite.
 * @returns operations, a multiply-add counted as two.
 * @throws {RangeError} where the threads are no whole workgroups.
 */
export function multiplyAdds(tape: Tape, seeds: Tensor, sums: Tensor, rounds: number): number {
  expectShape('multiplyAdds seeds', seeds, [2]);
  const [threads] = expectShape('multiplyAdds sums', sums, 1);
  if (threads % fma.threads !== 0) {
    throw new RangeError(`multiplyAdds sums: want a multiple of ${fma.threads}, got ${threads}`);
  }
  const cost = ROUND * rounds * threads;
  tape.dispatch(fma, { seeds, sums }, { rounds }, threads / fma.threads, { cost });
  return 2 * cost;
}

/**
 * copied = source, sixteen bytes a thread.
 * @returns bytes read and written together.
 * @throws {RangeError} where the elements are no whole fours.
 */
export function copyAll(tape: Tape, source: Tensor, copied: Tensor): number {
  const [N] = expectShape('copyAll source', source, 1);
  expectShape('copyAll copied', copied, [N]);
  if (N % 4 !== 0) throw new RangeError(`copyAll source: want a multiple of 4, got ${N}`);
  const N4 = N / 4;
  tape.dispatch(copy, { source, copied }, { N4 }, Math.ceil(N4 / copy.threads), { cost: N });
  return source.bytes + copied.bytes;
}
