/**
 * @file Muon: momentum, made orthogonal by five Newton-Schulz rounds (Jordan et al. 2024,
 * kellerjordan.github.io/posts/muon), times a rate that depends on the matrix's shape.
 *
 * Matrices of one shape go through each dispatch together, whatever they belong to: every expert's is one of them. Tall
 * ones lie there transposed, so they go with the wide ones of the same sides.
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
  params: { n: 'u32', first: 'u32', place: 'u32', P: 'u32', rows: 'u32', columns: 'u32' },
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

/** Matrices that stand one behind the other, have one shape and move at one rate. */
export interface MuonMatrices {
  /** Outputs of the linear map (fan-out). */
  readonly rows: number;
  /** Inputs of the linear map (fan-in). */
  readonly columns: number;
  readonly count: number;
  /** Flat, as are the other two. */
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly momentum: Tensor;
  readonly rates: LiveBlock<keyof typeof muonLive>;
}

export interface Muon {
  /** From `gradientNorm`. */
  readonly clip: Tensor;
  readonly coefficients: LiveBlock<keyof typeof newtonSchulzLive>;
  /** Most bytes of temporaries at a time; one matrix is the least. Unbounded unless said. */
  readonly chunkBytes?: number;
  /** Most bytes of one tensor; unbounded unless said. */
  readonly maxBindingBytes?: number;
  /** Records the first chunk of each shape only: enough to plan the memory of a run too large to be trained here. */
  readonly isSketch?: boolean;
}

/** Workgroups along z, one a matrix, that a batched product may have. */
const MAX_BATCH = 65_535;
/** Elements of a matrix that one workgroup squares before a second one is worth starting. */
const PART_ELEMENTS = 4096;
const MAX_PARTS = 64;

/**
 * One step of all matrices. Gradients and clip are read, the rest written: WebGPU wants the two kinds in different
 * buffers.
 */
export function muon(tape: Tape, ranges: readonly MuonMatrices[], options: Muon): void {
  expectShape('muon clip', options.clip, [CLIP_LENGTH]);
  const bySides = new Map<string, MuonMatrices[]>();
  for (const range of ranges) {
    const { rows, columns, count } = range;
    for (const name of ['weights', 'gradients', 'momentum'] as const)
      expectShape(`muon ${name}`, range[name], [rows * columns * count]);
    const sides = sidesOf(range).join(' x ');
    bySides.set(sides, [...(bySides.get(sides) ?? []), range]);
  }
  for (const alike of bySides.values()) {
    const chunks = chunksOf(alike, mostMatrices(alike[0]!, options));
    for (const chunk of options.isSketch ? chunks.slice(0, 1) : chunks)
      updateChunk(tape, chunk, options);
  }
}

/** The smaller side, then the larger one. */
const sidesOf = ({ rows, columns }: MuonMatrices): readonly [side: number, length: number] => [
  Math.min(rows, columns),
  Math.max(rows, columns),
];

/** How many matrices of a shape one chunk may have. */
function mostMatrices(range: MuonMatrices, options: Muon): number {
  const { chunkBytes = Infinity, maxBindingBytes = Infinity } = options;
  const [side, length] = sidesOf(range);
  const bytes = 4 * side * length;
  const square = 4 * side * side;
  // X, the next X, A, and A A.
  const fitting = Math.min(chunkBytes / (2 * bytes + 2 * square), maxBindingBytes / bytes);
  return Math.min(MAX_BATCH, Math.max(1, Math.floor(fitting)));
}

/** Some matrices of a range, and where they stand in a chunk. */
interface Slice {
  readonly range: MuonMatrices;
  readonly n: number;
  /** Matrices of the range before them, and of the chunk. */
  readonly first: number;
  readonly place: number;
}

/** All matrices of ranges of the same sides, in order, up to `most` at a time. */
function chunksOf(ranges: readonly MuonMatrices[], most: number): Slice[][] {
  const chunks: Slice[][] = [];
  let free = 0;
  for (const range of ranges) {
    for (let first = 0; first < range.count; ) {
      if (free === 0) {
        chunks.push([]);
        free = most;
      }
      const n = Math.min(free, range.count - first);
      chunks.at(-1)!.push({ range, n, first, place: most - free });
      first += n;
      free -= n;
    }
  }
  return chunks;
}

function updateChunk(tape: Tape, slices: readonly Slice[], { clip, coefficients }: Muon): void {
  const [side, length] = sidesOf(slices[0]!.range);
  const size = side * length;
  const batch = slices.reduce((sum, { n }) => sum + n, 0);
  const P = Math.min(MAX_PARTS, Math.ceil(size / PART_ELEMENTS));
  const x = tape.tensor([batch, side, length], 'muon X');
  const partial = tape.tensor([batch, P], 'muon partials');
  const each = (record: (range: MuonMatrices, n: number, ...rest: Placed) => void): void => {
    for (const { range, n, first, place } of slices) {
      const { rows, columns, rates: live } = range;
      const params = { n, first: first * size, place, P, rows, columns };
      record(range, n, params, { live, cost: 4 * n * size });
    }
  };
  each(({ gradients, momentum }, n, params, options) => {
    const state = { gradients, momentum, clip, x, partial };
    tape.dispatch(accumulate, state, params, n * P, options);
  });
  each((_, n, params, options) => {
    tape.dispatch(normalise, { x, partial }, params, n * P, options);
  });
  const orthogonal = newtonSchulz(tape, x, coefficients);
  each(({ weights }, n, params, options) => {
    const groups = Math.ceil((n * size) / apply.threads);
    tape.dispatch(apply, { weights, clip, x: orthogonal }, params, groups, options);
  });
}

type Placed = [
  params: Readonly<Record<keyof typeof update.params, number>>,
  options: { readonly live: MuonMatrices['rates']; readonly cost: number },
];

/** Five rounds of X = P X. */
function newtonSchulz(tape: Tape, start: Tensor, coefficients: Muon['coefficients']): Tensor {
  const [batch, side, length] = expectShape('muon X', start, 3);
  // Both are symmetric: A because it is a Gram matrix, A A because A is.
  const square = { batch, M: side, N: side, isSymmetric: true };
  let x = start;
  for (let round = 0; round < ROUNDS; round++) {
    const gram = tape.tensor([batch, side, side], 'muon gram');
    const p = tape.tensor([batch, side, side], 'muon polynomial');
    const next = tape.tensor(start.shape, 'muon X');
    matmul(tape, { ...square, form: 'nt', a: x, b: x, into: { tensor: gram, add: 0 }, K: length });
    matmul(tape, { ...square, form: 'nn', a: gram, b: gram, into: { tensor: p, add: 0 }, K: side });
    polynomial(tape, { gram, p }, { n: batch, side, round }, coefficients);
    const into = { tensor: next, add: 0 } as const;
    matmul(tape, { form: 'nn', a: p, b: x, into, batch, M: side, N: length, K: side });
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
  live: Muon['coefficients'],
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
