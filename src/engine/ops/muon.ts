/**
 * @file Muon: momentum, made orthogonal by five Newton-Schulz rounds (Jordan et al. 2024,
 * kellerjordan.github.io/posts/muon), times a rate that depends on the matrix's shape.
 *
 * All matrices of one shape go through each dispatch together; every expert's matrix is one of them.
 */

import { defineKernel, type Fields } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import polynomialVec4Wgsl from '@/shaders/muon.polynomial.vec4.wgsl?raw';
import polynomialWgsl from '@/shaders/muon.polynomial.wgsl?raw';
import updateWgsl from '@/shaders/muon.update.wgsl?raw';
import { CLIP_LENGTH } from './gradientNorm';
import { matmul } from './matmul';

/** What live `rateRule` means to the kernel. */
export const muonRateRules = { fan: 0, spectral: 1, rms: 2 } as const;

/**
 * Rate of this step after the schedule; rateRule is one of `muonRateRules`; nesterov is 0 or 1; eps is added to
 * the Frobenius norm.
 */
export const muonLive = {
  lr: 'f32',
  rateRule: 'u32',
  momentum: 'f32',
  nesterov: 'u32',
  weightDecay: 'f32',
  eps: 'f32',
} as const satisfies Fields;

const ROUNDS = 5;

/** The coefficients of a I + b A + c A A in each round; `muonCoefficients` gives their values. */
export const newtonSchulzLive = {
  a0: 'f32',
  b0: 'f32',
  c0: 'f32',
  a1: 'f32',
  b1: 'f32',
  c1: 'f32',
  a2: 'f32',
  b2: 'f32',
  c2: 'f32',
  a3: 'f32',
  b3: 'f32',
  c3: 'f32',
  a4: 'f32',
  b4: 'f32',
  c4: 'f32',
} as const satisfies Fields;

const update = {
  name: 'muon.update',
  wgsl: updateWgsl,
  params: { n: 'u32', first: 'u32', P: 'u32', rows: 'u32', columns: 'u32' },
  live: muonLive,
} as const;
const accumulate = defineKernel({
  ...update,
  entryPoint: 'accumulate',
  buffers: {
    gradients: 'read',
    momentum: 'read_write',
    clip: 'read',
    x: 'read_write',
    partial: 'read_write',
  },
});
const normalise = defineKernel({
  ...update,
  entryPoint: 'normalise',
  buffers: { x: 'read_write', partial: 'read_write' },
});
const apply = defineKernel({
  ...update,
  entryPoint: 'apply',
  buffers: { weights: 'read_write', clip: 'read', x: 'read_write' },
});
const polynomialOf = {
  entryPoint: 'main',
  buffers: { gram: 'read', p: 'read_write' },
  params: { n: 'u32', side: 'u32', round: 'u32' },
  live: newtonSchulzLive,
} as const;
const polynomials = {
  plain: defineKernel({ ...polynomialOf, name: 'muon.polynomial', wgsl: polynomialWgsl }),
  fours: defineKernel({ ...polynomialOf, name: 'muon.polynomial.vec4', wgsl: polynomialVec4Wgsl }),
};

export interface MuonTensors {
  /** Flat, as are all but `clip`: `count` matrices, one behind the other. */
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly momentum: Tensor;
  /** From `gradientNorm`. */
  readonly clip: Tensor;
}

export interface MuonShape {
  /** Outputs of the linear map (fan-out). */
  readonly rows: number;
  /** Inputs of the linear map (fan-in). */
  readonly columns: number;
  readonly count: number;
  /** Most bytes of temporaries at a time; one matrix is the least. 64 MiB unless said. */
  readonly chunkBytes?: number;
  /** Records the first chunk only: enough to plan the memory of a run too large to be trained here. */
  readonly isSketch?: boolean;
}

export interface MuonLive {
  readonly rates: LiveBlock<keyof typeof muonLive>;
  readonly coefficients: LiveBlock<keyof typeof newtonSchulzLive>;
}

const DEFAULT_CHUNK_BYTES = 64 * 2 ** 20;
/** Workgroups along z, one a matrix, that a batched product may have. */
const MAX_BATCH = 65_535;
/** Elements of a matrix that one workgroup squares before a second one is worth starting. */
const PART_ELEMENTS = 4096;
const MAX_PARTS = 64;

/**
 * One step of `count` matrices. Gradients and clip are read, the rest written: WebGPU wants the two kinds in
 * different buffers.
 */
export function muon(tape: Tape, tensors: MuonTensors, shape: MuonShape, live: MuonLive): void {
  const { rows, columns, count, chunkBytes = DEFAULT_CHUNK_BYTES, isSketch = false } = shape;
  const length = [rows * columns * count];
  expectShape('muon weights', tensors.weights, length);
  expectShape('muon gradients', tensors.gradients, length);
  expectShape('muon momentum', tensors.momentum, length);
  expectShape('muon clip', tensors.clip, [CLIP_LENGTH]);
  const side = Math.min(rows, columns);
  // X, the next X, A, and A A.
  const matrixBytes = 4 * (2 * rows * columns + 2 * side * side);
  const most = Math.min(MAX_BATCH, Math.max(1, Math.floor(chunkBytes / matrixBytes)));
  for (let first = 0; first < (isSketch ? 1 : count); first += most) {
    const n = Math.min(most, count - first);
    updateChunk(tape, tensors, { rows, columns, n, first }, live);
  }
}

interface Chunk {
  readonly rows: number;
  readonly columns: number;
  /** Matrices of the chunk, and those before it. */
  readonly n: number;
  readonly first: number;
}

function updateChunk(tape: Tape, tensors: MuonTensors, chunk: Chunk, live: MuonLive): void {
  const { weights, gradients, momentum, clip } = tensors;
  const { rows, columns, n, first } = chunk;
  const size = rows * columns;
  const P = Math.min(MAX_PARTS, Math.ceil(size / PART_ELEMENTS));
  const params = { n, first: first * size, P, rows, columns };
  const options = { live: live.rates, cost: 4 * n * size };
  const x = tape.tensor([n, rows, columns], 'muon X');
  const partial = tape.tensor([n, P], 'muon partials');
  const state = { gradients, momentum, clip, x, partial };
  tape.dispatch(accumulate, state, params, n * P, options);
  tape.dispatch(normalise, { x, partial }, params, n * P, options);
  const orthogonal = newtonSchulz(tape, x, chunk, live);
  const groups = Math.ceil((n * size) / apply.threads);
  tape.dispatch(apply, { weights, clip, x: orthogonal }, params, groups, options);
}

/** Five rounds of X = P X, or X P where X is tall: the smaller of the two Gram matrices is taken. */
function newtonSchulz(tape: Tape, start: Tensor, chunk: Chunk, { coefficients }: MuonLive): Tensor {
  const { rows, columns, n: batch } = chunk;
  const isTall = rows > columns;
  const side = Math.min(rows, columns);
  // Both are symmetric: A because it is a Gram matrix, A A because A is.
  const square = { batch, M: side, N: side, isSymmetric: true };
  let x = start;
  for (let round = 0; round < ROUNDS; round++) {
    const gram = tape.tensor([batch, side, side], 'muon gram');
    const p = tape.tensor([batch, side, side], 'muon polynomial');
    const next = tape.tensor(start.shape, 'muon X');
    const K = Math.max(rows, columns);
    const intoGram = { tensor: gram, add: 0 } as const;
    matmul(tape, { ...square, form: isTall ? 'tn' : 'nt', a: x, b: x, into: intoGram, K });
    matmul(tape, { ...square, form: 'nn', a: gram, b: gram, into: { tensor: p, add: 0 }, K: side });
    polynomial(tape, { gram, p }, { n: batch, side, round }, coefficients);
    const [a, b] = isTall ? [x, p] : [p, x];
    const into = { tensor: next, add: 0 } as const;
    matmul(tape, { form: 'nn', a, b, into, batch, M: rows, N: columns, K: side });
    x = next;
  }
  return x;
}

/** Threads of the kernel by fours along each side of a workgroup. */
const POLYNOMIAL_SIDE = 8;

/** p, which holds A A, becomes a I + b A + c A A with this round's coefficients. */
function polynomial(
  tape: Tape,
  tensors: { readonly gram: Tensor; readonly p: Tensor },
  params: { readonly n: number; readonly side: number; readonly round: number },
  live: MuonLive['coefficients'],
): void {
  const { n, side } = params;
  const { plain, fours } = polynomials;
  if (side % 4 > 0) {
    const groups = Math.ceil((n * side * side) / plain.threads);
    tape.dispatch(plain, tensors, params, groups, { live });
    return;
  }
  const grid = [side / 4, side].map((threads) => Math.ceil(threads / POLYNOMIAL_SIDE));
  tape.dispatch(fours, tensors, params, [grid[0]!, grid[1]!, n], { live });
}
