/** @file The two peaks that everything is held against, measured on the adapter itself by the bench's only own kernels. */
import { defineKernel } from '@/engine/gpu/kernel';
import type { BenchCase } from './benchCase';
import copyWgsl from './copy.wgsl?raw';
import fmaWgsl from './fma.wgsl?raw';

const fma = defineKernel({
  name: 'bench.fma',
  wgsl: fmaWgsl,
  entryPoint: 'main',
  buffers: { seeds: 'read', sums: 'read_write' },
  params: { rounds: 'u32' },
});
const copy = defineKernel({
  name: 'bench.copy',
  wgsl: copyWgsl,
  entryPoint: 'main',
  buffers: { source: 'read', copied: 'read_write' },
  params: { N4: 'u32' },
});

/** Multiply-adds of one round of the loop in `fma.wgsl`. */
const ROUND = 48;

export interface Peaks {
  /** f32 operations a second, a multiply-add counted as two. */
  readonly flops: number;
  /** Bytes a second, read and written together. */
  readonly bytes: number;
}

/** @param threads enough to fill the adapter */
export function fmaCase(threads: number, rounds: number): BenchCase {
  return {
    name: 'peak f32 multiply-add',
    shape: { threads, rounds },
    flops: 2 * ROUND * rounds * threads,
    bytes: 0,
    record(bench) {
      // A factor below one keeps the sums finite.
      const tensors = {
        seeds: bench.tensor([2], 'f32', [0.999, 0.001]),
        sums: bench.tensor([threads]),
      };
      bench.tape.dispatch(fma, tensors, { rounds }, threads / fma.threads);
    },
  };
}

/** @param N elements to copy; far more than a cache holds */
export function copyCase(N: number): BenchCase {
  return {
    name: 'peak copy',
    shape: { N },
    flops: 0,
    bytes: 8 * N,
    record(bench) {
      const tensors = { source: bench.noise([N]), copied: bench.tensor([N]) };
      bench.tape.dispatch(copy, tensors, { N4: N / 4 }, N / 4 / copy.threads);
    },
  };
}
