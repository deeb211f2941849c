/**
 * @file Batched matrix products in the three forms that a linear layer needs, and the layer itself.
 *
 * Which kernel does a product is chosen here and nowhere else: what the tape's tuning says, else a fixed table.
 */

import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { type Ending, gradientEnding } from './matmul.epilogue';
import { fixedVariant, type MatmulVariant, matmulVariants, type Product } from './matmul.variants';
import { type Axis, mxfp8, type Precision } from './mxfp8';
import { type Gated, gatedTensors } from './swiglu';

export interface Matmul extends Omit<Product, 'batch'> {
  /** Matrices in each tensor, one behind the other; 1 unless said. */
  readonly batch?: number;
  /** Of a and b; f32 unless said, which rounds nothing. */
  readonly precision?: Precision;
  /** For comparing them; chosen unless said. */
  readonly variant?: MatmulVariant;
}

/**
 * into[m, n] (+)= the product, with an epilogue what that makes of it; shapes by form as in `matmul.wgsl`.
 * @throws {RangeError} where a symmetric product is no square, has an epilogue or would be added to something: only half
 * of it is done.
 */
export function matmul(tape: Tape, options: Matmul): void {
  const { batch = 1, precision, variant, isSymmetric, into, epilogue, M, N } = options;
  if (isSymmetric && (M !== N || into.add === 1 || epilogue))
    throw new RangeError(`matmul: ${M} x ${N} cannot be mirrored into ${into.tensor.label}`);
  const { a, b } = precision === 'mxfp8' ? rounded(tape, options) : options;
  const product = { ...options, batch, a, b };
  matmulVariants[variant ?? chosen(tape, product)].record(tape, product);
}

function chosen({ tuning }: Tape, product: Product): MatmulVariant {
  const { form, batch, M, N, K } = product;
  const name = tuning({ op: 'matmul', form, sides: [batch, M, N, K] }) as MatmulVariant | undefined;
  // A class holds shapes that are not whole fours, and a table may come from another version.
  const isUsable = name !== undefined && matmulVariants[name]?.fits(product);
  return isUsable ? name : fixedVariant(product);
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

/** What a linear layer reads: a tensor, or what SwiGLU made, whose gradient then goes through SwiGLU at once. */
export type LinearInput = Tensor | Gated;

/**
 * y = x wᵀ: a linear layer without bias; x [T, D], w [N, D] (out, in), y [T, N], stored as w is. With `precision` mxfp8 each of its
 * three products, forward and backward, rounds its own two inputs; gradients pass the rounding as they are.
 */
export function linear(
  tape: Tape,
  x: LinearInput,
  w_ND: Tensor,
  precision: Precision = 'f32',
): Tensor {
  const x_TD = 'y_TF' in x ? x.y_TF : x;
  const sizes = layerSizes(x_TD, w_ND);
  const y_TN = tape.tensor([sizes.T, sizes.N], `${w_ND.label}(x)`, w_ND.type);
  recordLayer(tape, x, w_ND, precision, { into: { tensor: y_TN, add: 0 } });
  return y_TN;
}

/**
 * SwiGLU behind a linear layer: w [2 F, D] holds the matrix of gate, then that of up; silu(gate x) * up x is [T, F]. Two linear
 * layers around it make a feed-forward, arXiv:2002.05202, eq. 6; what is returned goes into `linear` and nowhere else.
 */
export function linearSwiglu(
  tape: Tape,
  x_TD: Tensor,
  w_2FD: Tensor,
  precision: Precision = 'f32',
): Gated {
  const { T, N, D } = layerSizes(x_TD, w_2FD);
  expectShape('linearSwiglu w_2FD', w_2FD, [2 * Math.floor(N / 2), D]);
  const gated = gatedTensors(tape, T, N / 2, w_2FD);
  const into = { tensor: gated.x_T2F, add: 0 } as const;
  recordLayer(tape, x_TD, w_2FD, precision, { into, epilogue: { kind: 'swiglu', gated } });
  return gated;
}

function layerSizes(x_TD: Tensor, w_ND: Tensor) {
  const [T, D] = expectShape('linear x_TD', x_TD, 2);
  const [N] = expectShape('linear w_ND', w_ND, 2);
  expectShape('linear w_ND', w_ND, [N, D]);
  return { T, N, D };
}

/** The product of a layer now, and the two of its way back. */
function recordLayer(
  tape: Tape,
  x: LinearInput,
  w_ND: Tensor,
  precision: Precision,
  ending: Ending,
): void {
  const x_TD = 'y_TF' in x ? x.y_TF : x;
  const { T, N, D } = layerSizes(x_TD, w_ND);
  matmul(tape, { form: 'nt', a: x_TD, b: w_ND, ...ending, M: T, N, K: D, precision });
  tape.onBackward(() => {
    const dy_TN = tape.upstream(ending.into.tensor);
    const dx = gradientEnding(tape, x);
    const into = tape.gradientOf(w_ND);
    tape.together(() => {
      matmul(tape, { form: 'tn', a: dy_TN, b: x_TD, into, M: N, N: D, K: T, precision });
      matmul(tape, { form: 'nn', a: dy_TN, b: w_ND, ...dx, M: T, N: D, K: N, precision });
    });
  });
}
