/** @file The matrix products that are measured: shapes of training steps, and those where a kernel may stumble. */
import type { Product } from './peers/problem.mjs';

/** M x N x K by name; each in all three forms. */
export const productShapes: Readonly<Record<string, Omit<Product, 'form'>>> = {
  tiny: { M: 16, N: 16, K: 16 },
  'square 128': { M: 128, N: 128, K: 128 },
  'square 256': { M: 256, N: 256, K: 256 },
  'square 512': { M: 512, N: 512, K: 512 },
  'square 1024': { M: 1024, N: 1024, K: 1024 },
  tall: { M: 4096, N: 64, K: 64 },
  wide: { M: 64, N: 4096, K: 64 },
  deep: { M: 64, N: 64, K: 4096 },
  'feed-forward': { M: 512, N: 344, K: 128 },
  head: { M: 512, N: 256, K: 128 },
  odd: { M: 253, N: 127, K: 61 },
};

export const forms = ['nn', 'nt', 'tn'] as const;

/** Operations of a product, a multiply-add counted as two. */
export const productFlops = ({ M, N, K }: Omit<Product, 'form'>): number => 2 * M * N * K;
