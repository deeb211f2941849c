/**
 * @file Batched matrix products in the three forms that a linear layer needs, and the layer itself.
 *
 * Every form has a plain kernel for any size and a faster one for sizes in whole vec4s; `matmul` chooses,
 * and is the only place that does.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import { expectShape } from '@/engine/gpu/shape';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import nnWgsl from '@/shaders/matmul.nn.vec4.wgsl?raw';
import ntWgsl from '@/shaders/matmul.nt.vec4.wgsl?raw';
import tnWgsl from '@/shaders/matmul.tn.vec4.wgsl?raw';
import plainWgsl from '@/shaders/matmul.wgsl?raw';
import { type Axis, mxfp8, type Precision } from './mxfp8';
import { transpose } from './transpose';

/** nt: A Bᵀ; nn: A B; tn: Aᵀ B. */
export type MatmulForm = 'nt' | 'nn' | 'tn';

const shared = {
  entryPoint: 'main',
  buffers: { a: 'read', b: 'read', c: 'read_write' },
  params: { M: 'u32', N: 'u32', K: 'u32', add: 'u32' },
} as const;
const plain = defineKernel({ ...shared, name: 'matmul', wgsl: plainWgsl });
const vec4 = {
  nt: defineKernel({ ...shared, name: 'matmul.nt.vec4', wgsl: ntWgsl }),
  nn: defineKernel({ ...shared, name: 'matmul.nn.vec4', wgsl: nnWgsl }),
  tn: defineKernel({ ...shared, name: 'matmul.tn.vec4', wgsl: tnWgsl }),
};
const PLAIN_TILE = 8;

/** What one thread of a fast kernel computes, and how a workgroup of 64 shares out the matrix. */
export interface Tile {
  /** Rows, 4 or 8. */
  readonly ROWS: number;
  /** Fours of columns, 1 or 2. */
  readonly QUADS: number;
  /** Threads side by side along the columns. */
  readonly WIDE: number;
}

const THREADS = 64;
const SMALL: Tile = { ROWS: 4, QUADS: 1, WIDE: 8 };
const LARGE: Tile = { ROWS: 8, QUADS: 2, WIDE: 8 };
/** Matrices with a shorter side than this would leave most of a large tile's workgroup idle. */
const LARGE_FROM = 32;

/** Rows of A for which a transposed copy of B is worth making: it costs one of them in reads and writes. */
const TRANSPOSE_FROM = 128;

/** Whether A Bᵀ goes by a transposed copy of B, so that neighbours read neighbours. */
const isTransposed = ({ form, M, N, K, tile }: Matmul): boolean =>
  form === 'nt' &&
  tile === undefined &&
  M >= TRANSPOSE_FROM &&
  Math.min(N, K) >= LARGE_FROM &&
  N % 4 === 0 &&
  K % 4 === 0;

/** The tile for a product. nt gains nothing from a larger one: its loads go across the rows of both matrices. */
const tileFor = ({ form, M, N }: Matmul): Tile =>
  form !== 'nt' && Math.min(M, N) >= LARGE_FROM ? LARGE : SMALL;

export interface Matmul {
  readonly form: MatmulForm;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly into: GradientTarget;
  /** Matrices in each tensor, one behind the other; 1 unless said. */
  readonly batch?: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Of a and b; f32 unless said, which rounds nothing. */
  readonly precision?: Precision;
  /** Never take the faster kernel: for comparing the two. */
  readonly isPlain?: boolean;
  /** Of the faster kernel; by shape unless said. */
  readonly tile?: Tile;
}

/** into[m, n] (+)= the product; shapes by form as in `matmul.wgsl`. */
export function matmul(tape: Tape, product: Matmul): void {
  const { precision, isPlain = false } = product;
  const { a, b } = precision === 'mxfp8' ? rounded(tape, product) : product;
  const exact = { ...product, a, b };
  if (!isPlain && isTransposed(product)) {
    const { batch = 1, N, K } = product;
    multiply(tape, { ...exact, form: 'nn', b: transpose(tape, b, { batch, N, K }) });
  } else multiply(tape, exact);
}

/** The product of a and b as they are. */
function multiply(tape: Tape, product: Matmul): void {
  const { form, a, b, into, batch = 1, M, N, K, isPlain = false } = product;
  const fits = { nt: K % 4 === 0, nn: N % 4 === 0, tn: M % 4 === 0 && N % 4 === 0 }[form];
  const tensors = { a, b, c: into.tensor };
  const params = { M, N, K, add: into.add };
  const cost = batch * M * N * K;
  if (fits && !isPlain) {
    const tile = product.tile ?? tileFor(product);
    const columns = 4 * tile.QUADS * tile.WIDE;
    const rows = tile.ROWS * (THREADS / tile.WIDE);
    const grid = [Math.ceil(N / columns), Math.ceil(M / rows), batch] as const;
    tape.dispatch(vec4[form], tensors, params, grid, { cost, overrides: { ...tile } });
    return;
  }
  const overrides = { TRANSPOSE_A: Number(form === 'tn'), TRANSPOSE_B: Number(form === 'nt') };
  const grid = [Math.ceil(N / PLAIN_TILE), Math.ceil(M / PLAIN_TILE), batch] as const;
  tape.dispatch(plain, tensors, params, grid, { cost, overrides });
}

/** Both inputs in MXFP8, in blocks along the axis K that the product sums over. */
function rounded(tape: Tape, { form, a, b, batch = 1, M, N, K }: Matmul): { a: Tensor; b: Tensor } {
  const lastAxis = (rows: number): Axis => ({ outer: batch * rows, length: K, inner: 1 });
  const firstAxis = (columns: number): Axis => ({ outer: batch, length: K, inner: columns });
  return {
    a: mxfp8(tape, a, form === 'tn' ? firstAxis(M) : lastAxis(M)),
    b: mxfp8(tape, b, form === 'nt' ? lastAxis(N) : firstAxis(N)),
  };
}

/**
 * y = x wᵀ: a linear layer without bias; x [T, D], w [N, D] (out, in), y [T, N]. With `precision` mxfp8 each of its
 * three products, forward and backward, rounds its own two inputs; gradients pass the rounding as they are.
 */
export function linear(
  tape: Tape,
  x_TD: Tensor,
  w_ND: Tensor,
  precision: Precision = 'f32',
): Tensor {
  const [T, D] = expectShape('linear x_TD', x_TD, 2);
  const [N] = expectShape('linear w_ND', w_ND, 2);
  expectShape('linear w_ND', w_ND, [N, D]);
  const y_TN = tape.tensor([T, N], `${w_ND.label}(x)`);
  const y = { tensor: y_TN, add: 0 } as const;
  matmul(tape, { form: 'nt', a: x_TD, b: w_ND, into: y, M: T, N, K: D, precision });
  tape.onBackward(() => {
    const dy_TN = tape.upstream(y_TN);
    const dx = tape.gradientOf(x_TD);
    matmul(tape, { form: 'nn', a: dy_TN, b: w_ND, into: dx, M: T, N: D, K: N, precision });
    const dw = tape.gradientOf(w_ND);
    matmul(tape, { form: 'tn', a: dy_TN, b: x_TD, into: dw, M: N, N: D, K: T, precision });
  });
  return y_TN;
}
