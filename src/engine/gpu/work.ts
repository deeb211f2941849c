/** @file What a dispatch must do at least: the model of work that times are held against. */
import type { Dispatch } from './dispatch';
import type { Tensor } from './tensor';

export interface Work {
  /** Floating-point operations, a multiply-add counted as two; 0 where memory is what binds. */
  readonly flops: number;
  /** Each range that it binds counted once, and once more where it adds to what is there. */
  readonly bytes: number;
}

/** Kernels whose `cost` is the multiply-adds of the mathematics, to the last one; the rest only move numbers. */
const PRODUCTS = /^(matmul|groupedMatmul|attention\.(forward|backward))(\.|$)/;

/** The op that a kernel belongs to: its file's name up to the first dot; of joined ones, the first one's. */
export const opOf = ({ name }: Dispatch['kernel']): string => name.split(/[. ]/)[0]!;

/**
 * Caches may serve what is read twice, so bytes are the least that crosses the memory's border; tables of which a
 * batch reads a part (the embedding) count whole.
 */
export function workOf(dispatch: Dispatch): Work {
  const parts = dispatch.parts ?? [dispatch];
  // One tensor may stand in two places: a matrix times itself reads it once.
  const ranges = new Map<Tensor, number>();
  for (const { kernel, tensors, params } of parts) {
    for (const [name, tensor] of Object.entries(tensors)) {
      const isAdded = params['add'] === 1 && kernel.buffers[name] === 'read_write';
      const bytes = tensor.bytes * (isAdded ? 2 : 1);
      ranges.set(tensor, Math.max(bytes, ranges.get(tensor) ?? 0));
    }
  }
  const products = parts.filter(({ kernel }) => PRODUCTS.test(kernel.name));
  return {
    flops: products.reduce((sum, { cost }) => sum + 2 * cost, 0),
    bytes: [...ranges.values()].reduce((sum, bytes) => sum + bytes, 0),
  };
}
