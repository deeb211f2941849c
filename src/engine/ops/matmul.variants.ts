/**
 * @file The kernels of a matrix product, side by side. Each sums every element in the order of k, so all give the same
 * bits; they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { defineKernel } from '@/engine/gpu/kernel';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import partsWgsl from '@/shaders/matmul.parts.wgsl?raw';
import scalarWgsl from '@/shaders/matmul.scalar.wgsl?raw';
import sharedWgsl from '@/shaders/matmul.shared.wgsl?raw';
import subgroupWgsl from '@/shaders/matmul.subgroup.wgsl?raw';
import subgroupMatrixWgsl from '@/shaders/matmul.subgroupMatrix.wgsl?raw';
import tileWgsl from '@/shaders/matmul.tile.wgsl?raw';
import plainWgsl from '@/shaders/matmul.wgsl?raw';
import { dispatchEnding, type Ending, endings, recordApart } from './matmul.epilogue';

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
export interface Product extends Sizes, Ending {
  readonly a: Tensor;
  readonly b: Tensor;
  /** The product is known to be symmetric: faster kernels do the upper triangle and mirror it. Nothing is added to. */
  readonly isSymmetric?: boolean;
}

export interface Variant {
  /** Whether it can do these sizes. */
  fits(sizes: Sizes): boolean;
  record(tape: Tape, product: Product): void;
}

const common = {
  entryPoint: 'main',
  buffers: { a: 'read', b: 'read' },
  params: { M: 'u32', N: 'u32', K: 'u32', add: 'u32', symmetric: 'u32' },
} as const;
const storing = { ...common, buffers: { ...common.buffers, c: 'read_write' } } as const;
const plainKernel = defineKernel({ ...storing, name: 'matmul', wgsl: plainWgsl });
const tileKernel = defineKernel({ ...storing, name: 'matmul.tile', wgsl: tileWgsl });
const scalarKernel = defineKernel({ ...storing, name: 'matmul.scalar', wgsl: scalarWgsl });
const sharedKernels = endings({ ...common, name: 'matmul.shared', wgsl: sharedWgsl });
const subgroupKernels = endings({
  ...common,
  name: 'matmul.subgroup',
  wgsl: `${subgroupWgsl}\n${partsWgsl}`,
});

const matrixKernels = endings({
  ...common,
  name: 'matmul.subgroupMatrix',
  wgsl: subgroupMatrixWgsl,
});

const isWhole = (...sides: readonly number[]): boolean => sides.every((side) => side % 4 === 0);

/** Dispatches a kernel whose workgroups take so many rows and columns each. */
function record(
  tape: Tape,
  kernels: typeof plainKernel | typeof sharedKernels,
  product: Product,
  [rows, columns]: readonly [number, number],
  overrides: Readonly<Record<string, number>>,
): void {
  const { a, b, into, batch, M, N, K, isSymmetric = false } = product;
  const params = { M, N, K, add: into.add, symmetric: Number(isSymmetric) };
  const grid = [Math.ceil(N / columns), Math.ceil(M / rows), batch] as const;
  const options = { cost: batch * M * N * K, overrides };
  if ('store' in kernels) {
    dispatchEnding(kernels, product, (kernel, written) => {
      tape.dispatch(kernel, { a, b, ...written }, params, grid, options);
    });
  } else {
    recordApart(tape, product, ({ tensor: c, add }) => {
      tape.dispatch(kernels, { a, b, c }, { ...params, add }, grid, options);
    });
  }
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

/** Whether kernels that read whole fours along every axis can do it. */
const isWholeFours = ({ form, M, N, K }: Sizes): boolean =>
  isWhole(N, K) && (form !== 'tn' || isWhole(M));

const TILE = [64, 32] as const;
const tile: Variant = {
  fits: isWholeFours,
  record(tape, product) {
    record(tape, tileKernel, product, TILE, transposes(product.form));
  },
};

/** The same tiles for sides that are no multiples of four. */
const scalar: Variant = {
  fits: () => true,
  record(tape, product) {
    record(tape, scalarKernel, product, TILE, transposes(product.form));
  },
};

/** What one thread computes, ROWS x 4 QUADS: 4 or 8 by 1 or 2. */
interface Tile {
  readonly ROWS: number;
  readonly QUADS: number;
}

/** Tiles in workgroup memory, of side x side threads. */
const shared = (side: number, { ROWS, QUADS }: Tile): Variant => ({
  fits: isWholeFours,
  record(tape, product) {
    const overrides = { ...transposes(product.form), SIDE: side, ROWS, QUADS };
    record(tape, sharedKernels, product, [ROWS * side, 4 * QUADS * side], overrides);
  },
});

/**
 * @param width threads of a workgroup: no more than a subgroup of the adapter has, and 8 at least.
 * @param rows of a workgroup, 16 or 32.
 */
const subgroup = (width: number, rows: number): Variant => ({
  fits: isWholeFours,
  record(tape, product) {
    const overrides = { ...transposes(product.form), WIDE: width, ROWS: rows };
    record(tape, subgroupKernels, product, [rows, 4 * width], overrides);
  },
});

/** Tiles of matrices that the adapter multiplies itself. */
const MATRIX_TILE = [64, 64] as const;
const subgroupMatrix: Variant = {
  fits: isWholeFours,
  record(tape, product) {
    record(tape, matrixKernels, product, MATRIX_TILE, transposes(product.form));
  },
};

/** By name, as a table of an adapter's choices has them. */
export const matmulVariants = {
  plain,
  tile,
  scalar,
  shared32: shared(8, { ROWS: 4, QUADS: 1 }),
  shared64: shared(16, { ROWS: 4, QUADS: 1 }),
  shared128: shared(16, { ROWS: 8, QUADS: 2 }),
  subgroup8: subgroup(8, 16),
  subgroup8tall: subgroup(8, 32),
  subgroup32: subgroup(32, 16),
  subgroupMatrix,
} as const satisfies Readonly<Record<string, Variant>>;

export type MatmulVariant = keyof typeof matmulVariants;

/** The choice that no adapter changes. */
export const fixedVariant = (sizes: Sizes): MatmulVariant => (tile.fits(sizes) ? 'tile' : 'scalar');
