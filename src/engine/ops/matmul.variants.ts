/**
 * @file The kernels of a matrix product, side by side. Each sums every element in the order of k, so all give the same
 * bits; they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { defineKernel } from '@/engine/gpu/kernel';
import type { GradientTarget, Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import nnWgsl from '@/shaders/matmul.nn.vec4.wgsl?raw';
import ntWgsl from '@/shaders/matmul.nt.vec4.wgsl?raw';
import sharedWgsl from '@/shaders/matmul.shared.wgsl?raw';
import subgroupWgsl from '@/shaders/matmul.subgroup.wgsl?raw';
import tnWgsl from '@/shaders/matmul.tn.vec4.wgsl?raw';
import plainWgsl from '@/shaders/matmul.wgsl?raw';
import { transpose } from './transpose';

/** nt: A Bᵀ; nn: A B; tn: Aᵀ B. */
export type MatmulForm = 'nt' | 'nn' | 'tn';

export interface Sizes {
  readonly form: MatmulForm;
  /** Matrices in each tensor, one behind the other. */
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** A product of matrices that nothing rounds. */
export interface Product extends Sizes {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly into: GradientTarget;
}

export interface Variant {
  /** Whether it can do these sizes. */
  fits(sizes: Sizes): boolean;
  record(tape: Tape, product: Product): void;
}

const common = {
  entryPoint: 'main',
  buffers: { a: 'read', b: 'read', c: 'read_write' },
  params: { M: 'u32', N: 'u32', K: 'u32', add: 'u32' },
} as const;
const plainKernel = defineKernel({ ...common, name: 'matmul', wgsl: plainWgsl });
const tileKernels = {
  nt: defineKernel({ ...common, name: 'matmul.nt.vec4', wgsl: ntWgsl }),
  nn: defineKernel({ ...common, name: 'matmul.nn.vec4', wgsl: nnWgsl }),
  tn: defineKernel({ ...common, name: 'matmul.tn.vec4', wgsl: tnWgsl }),
};
const sharedKernel = defineKernel({ ...common, name: 'matmul.shared', wgsl: sharedWgsl });
const subgroupKernel = defineKernel({ ...common, name: 'matmul.subgroup', wgsl: subgroupWgsl });

const isWhole = (...sides: readonly number[]): boolean => sides.every((side) => side % 4 === 0);

/** Dispatches a kernel whose workgroups take so many rows and columns each. */
function record(
  tape: Tape,
  kernel: typeof plainKernel,
  { a, b, into, batch, M, N, K }: Product,
  [rows, columns]: readonly [number, number],
  overrides: Readonly<Record<string, number>>,
): void {
  const tensors = { a, b, c: into.tensor };
  const params = { M, N, K, add: into.add };
  const grid = [Math.ceil(N / columns), Math.ceil(M / rows), batch] as const;
  tape.dispatch(kernel, tensors, params, grid, { cost: batch * M * N * K, overrides });
}

/** For kernels with one file for all forms. */
const transposes = (form: MatmulForm) => ({
  TRANSPOSE_A: Number(form === 'tn'),
  TRANSPOSE_B: Number(form === 'nt'),
});

const PLAIN_SIDE = 8;
const plain: Variant = {
  fits: () => true,
  record(tape, product) {
    record(tape, plainKernel, product, [PLAIN_SIDE, PLAIN_SIDE], transposes(product.form));
  },
};

/** What one thread of a tile kernel computes, ROWS x 4 QUADS, and how a workgroup of 64 shares out the matrix. */
interface Tile {
  /** 4 or 8. */
  readonly ROWS: number;
  /** 1 or 2. */
  readonly QUADS: number;
  /** Threads side by side along the columns. */
  readonly WIDE: number;
}
const TILE_THREADS = 64;

const tiles = (tile: Tile): Variant => ({
  fits: ({ form, M, N, K }) => ({ nt: isWhole(K), nn: isWhole(N), tn: isWhole(M, N) })[form],
  record(tape, product) {
    const size = [tile.ROWS * (TILE_THREADS / tile.WIDE), 4 * tile.QUADS * tile.WIDE] as const;
    record(tape, tileKernels[product.form], product, size, { ...tile });
  },
});
const largeTiles = tiles({ ROWS: 8, QUADS: 2, WIDE: 8 });

/** A Bᵀ by large tiles over a transposed copy of B, so that neighbours read neighbours. */
const copied: Variant = {
  fits: ({ form, N, K }) => form === 'nt' && isWhole(N, K),
  record(tape, product) {
    const { batch, N, K } = product;
    const b = transpose(tape, product.b, { batch, N, K });
    largeTiles.record(tape, { ...product, form: 'nn', b });
  },
};

/** Whether kernels that read whole fours along every axis can do it. */
const isWholeFours = ({ form, M, N, K }: Sizes): boolean =>
  isWhole(N, K) && (form !== 'tn' || isWhole(M));

/** Tiles in workgroup memory, of side x side threads with ROWS x 4 QUADS elements each. */
const shared = (side: number, { ROWS, QUADS }: Omit<Tile, 'WIDE'>): Variant => ({
  fits: isWholeFours,
  record(tape, product) {
    const overrides = { ...transposes(product.form), SIDE: side, ROWS, QUADS };
    record(tape, sharedKernel, product, [ROWS * side, 4 * QUADS * side], overrides);
  },
});

const SUBGROUP_ROWS = 16;
/** @param width threads of a workgroup: no more than a subgroup of the adapter has, and 8 at least. */
const subgroup = (width: number): Variant => ({
  fits: isWholeFours,
  record(tape, product) {
    const overrides = { ...transposes(product.form), WIDE: width };
    record(tape, subgroupKernel, product, [SUBGROUP_ROWS, 4 * width], overrides);
  },
});

/** By name, as a table of an adapter's choices has them. */
export const matmulVariants = {
  plain,
  tile4x4: tiles({ ROWS: 4, QUADS: 1, WIDE: 8 }),
  tile8x8: largeTiles,
  'tile8x8 copied': copied,
  shared32: shared(8, { ROWS: 4, QUADS: 1 }),
  shared64: shared(16, { ROWS: 4, QUADS: 1 }),
  shared128: shared(16, { ROWS: 8, QUADS: 2 }),
  subgroup8: subgroup(8),
  subgroup32: subgroup(32),
} as const satisfies Readonly<Record<string, Variant>>;

export type MatmulVariant = keyof typeof matmulVariants;

/** Matrices with a shorter side than this would leave most of a large tile's workgroup idle. */
const LARGE_FROM = 32;
/** Rows of A for which a transposed copy of B is worth making: it costs one of them in reads and writes. */
const COPY_FROM = 128;

/** The choice that no adapter changes. nt gains nothing from a large tile: it reads across the rows of both. */
export function fixedVariant(sizes: Sizes): MatmulVariant {
  const { form, M, N, K } = sizes;
  if (M >= COPY_FROM && Math.min(N, K) >= LARGE_FROM && copied.fits(sizes)) {
    return 'tile8x8 copied';
  }
  if (!largeTiles.fits(sizes)) return 'plain';
  return form !== 'nt' && Math.min(M, N) >= LARGE_FROM ? 'tile8x8' : 'tile4x4';
}
