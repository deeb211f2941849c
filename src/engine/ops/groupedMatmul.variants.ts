/**
 * @file The kernels of a grouped product, side by side. Each sums every element in one order, so all give the same
 * bits; they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { defineKernel } from '@/engine/gpu/kernel';
import { folded, type GradientTarget, type Grid, type Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import dwSubgroupWgsl from '@/shaders/groupedMatmul.dw.subgroup.wgsl?raw';
import dwWgsl from '@/shaders/groupedMatmul.dw.vec4.wgsl?raw';
import dxWgsl from '@/shaders/groupedMatmul.dx.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/groupedMatmul.forward.vec4.wgsl?raw';
import subgroupWgsl from '@/shaders/groupedMatmul.subgroup.wgsl?raw';
import plainWgsl from '@/shaders/groupedMatmul.wgsl?raw';
import { BLOCK, type Dispatched } from './dispatch';
import { transpose } from './transpose';

/** Outputs, the gradient of the rows, the gradient of the weights. */
export type GroupedPart = 'forward' | 'dx' | 'dw';

export interface GroupedSizes {
  readonly part: GroupedPart;
  /** Rows of all experts. */
  readonly R: number;
  readonly E: number;
  /** A weight has F rows of D. */
  readonly F: number;
  readonly D: number;
}

/** One of the three products, with what nothing rounds any more; a and b as in `groupedMatmul.wgsl`. */
export interface GroupedProduct extends GroupedSizes {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly into: GradientTarget;
  /** Choices of a token where rows are read from tokens, else 0. */
  readonly gather: number;
  readonly dispatched: Pick<Dispatched, 'segments' | 'source_R'>;
}

export interface GroupedVariant {
  /** Whether it can do these sizes. */
  fits(sizes: GroupedSizes): boolean;
  record(tape: Tape, product: GroupedProduct): void;
}

const common = {
  entryPoint: 'main',
  buffers: { segments: 'read', source_R: 'read', a: 'read', b: 'read', c: 'read_write' },
  params: { R: 'u32', E: 'u32', F: 'u32', D: 'u32', gather: 'u32', add: 'u32' },
} as const;
const plainKernel = (entryPoint: GroupedPart) =>
  defineKernel({ ...common, entryPoint, name: 'groupedMatmul', wgsl: plainWgsl });
const plainKernels = {
  forward: plainKernel('forward'),
  dx: plainKernel('dx'),
  dw: plainKernel('dw'),
};
const tileKernels = {
  forward: defineKernel({ ...common, name: 'groupedMatmul.forward.vec4', wgsl: forwardWgsl }),
  dx: defineKernel({ ...common, name: 'groupedMatmul.dx.vec4', wgsl: dxWgsl }),
  dw: defineKernel({ ...common, name: 'groupedMatmul.dw.vec4', wgsl: dwWgsl }),
};
const rowsBySubgroup = defineKernel({
  ...common,
  name: 'groupedMatmul.subgroup',
  wgsl: subgroupWgsl,
});
const subgroupKernels = {
  forward: rowsBySubgroup,
  dx: rowsBySubgroup,
  dw: defineKernel({ ...common, name: 'groupedMatmul.dw.subgroup', wgsl: dwSubgroupWgsl }),
};

const isWhole = (...sides: readonly number[]): boolean => sides.every((side) => side % 4 === 0);

function record(
  tape: Tape,
  kernel: typeof rowsBySubgroup | (typeof plainKernels)[GroupedPart],
  { a, b, into, gather, dispatched, R, E, F, D }: GroupedProduct,
  grid: Grid,
  overrides: Readonly<Record<string, number>> = {},
): void {
  const { segments, source_R } = dispatched;
  const tensors = { segments, source_R, a, b, c: into.tensor };
  const params = { R, E, F, D, gather, add: into.add };
  tape.dispatch(kernel, tensors, params, grid, { cost: R * F * D, overrides });
}

/** Columns of what a product of rows writes. */
const columnsOf = ({ part, F, D }: GroupedSizes): number => (part === 'forward' ? F : D);

/** Workgroups of so many columns over `rows`, which spread over y and z. */
const rowGrid = (columns: number, wide: number, rows: number): Grid => {
  const [y, z] = folded(rows);
  return [Math.ceil(columns / wide), y, z];
};

/** Every expert may end in a block that is not full. */
const mostBlocks = ({ R, E }: GroupedSizes): number => Math.ceil(R / BLOCK) + E;

const dwGrid = ({ D, E, F }: GroupedSizes, wide: number, tall: number): Grid => [
  Math.ceil(D / wide),
  Math.ceil(F / tall),
  E,
];

const PLAIN_SIDE = 8;
const plain: GroupedVariant = {
  fits: () => true,
  record(tape, product) {
    const grid =
      product.part === 'dw'
        ? dwGrid(product, PLAIN_SIDE, PLAIN_SIDE)
        : rowGrid(columnsOf(product), PLAIN_SIDE, Math.ceil(product.R / PLAIN_SIDE));
    record(tape, plainKernels[product.part], product, grid);
  },
};

/** What a thread computes, ROWS x 4 QUADS; the forward kernel has small tiles only. */
interface Tile {
  readonly ROWS: number;
  readonly QUADS: number;
}
const TILE_SIDE = 8;

const tiles = (tile: Tile): GroupedVariant => ({
  fits: ({ part, F, D }) => (part === 'forward' ? tile.QUADS === 1 && isWhole(D) : isWhole(F, D)),
  record(tape, product) {
    const wide = 4 * tile.QUADS * TILE_SIDE;
    const grid =
      product.part === 'dw'
        ? dwGrid(product, wide, TILE_SIDE * tile.ROWS)
        : rowGrid(columnsOf(product), wide, mostBlocks(product));
    const overrides = product.part === 'forward' ? {} : { ...tile };
    record(tape, tileKernels[product.part], product, grid, overrides);
  },
});
const largeTiles = tiles({ ROWS: 8, QUADS: 2 });

/** The forward product over a transposed copy of the weights: the form of the rows' gradient, F and D changed. */
const copied: GroupedVariant = {
  fits: ({ part, F, D }) => part === 'forward' && isWhole(F, D),
  record(tape, product) {
    const { E, F, D } = product;
    const b = transpose(tape, product.b, { batch: E, N: F, K: D });
    largeTiles.record(tape, { ...product, part: 'dx', b, F: D, D: F });
  },
};

const SUBGROUP_ROWS = 16;
/** @param width threads of a workgroup: no more than a subgroup of the adapter has, and 8 at least. */
const subgroup = (width: number): GroupedVariant => ({
  fits: ({ F, D }) => isWhole(F, D),
  record(tape, product) {
    const wide = 4 * width;
    const rowBlocks = mostBlocks(product) * (BLOCK / SUBGROUP_ROWS);
    const kernel = subgroupKernels[product.part];
    if (product.part === 'dw') {
      record(tape, kernel, product, dwGrid(product, wide, SUBGROUP_ROWS), { WIDE: width });
    } else {
      const overrides = { TRANSPOSE_B: Number(product.part === 'forward'), WIDE: width };
      record(tape, kernel, product, rowGrid(columnsOf(product), wide, rowBlocks), overrides);
    }
  },
});

/** By name, as a table of an adapter's choices has them. */
export const groupedVariants = {
  plain,
  tile4x4: tiles({ ROWS: 4, QUADS: 1 }),
  tile8x8: largeTiles,
  'tile8x8 copied': copied,
  subgroup8: subgroup(8),
  subgroup32: subgroup(32),
} as const satisfies Readonly<Record<string, GroupedVariant>>;

export type GroupedVariantName = keyof typeof groupedVariants;

/** Weights with a shorter side than this would leave most of a large tile's workgroup idle. */
const LARGE_FROM = 32;
/** Rows of an expert, on average, for which a transposed copy of its weights is worth making. */
const COPY_FROM = 64;

/** The choice that no adapter changes. */
export function fixedGroupedVariant(sizes: GroupedSizes): GroupedVariantName {
  const { R, E, F, D } = sizes;
  const isLarge = Math.min(D, F) >= LARGE_FROM;
  if (isLarge && R >= COPY_FROM * E && copied.fits(sizes)) return 'tile8x8 copied';
  if (isLarge && largeTiles.fits(sizes)) return 'tile8x8';
  return groupedVariants.tile4x4.fits(sizes) ? 'tile4x4' : 'plain';
}
