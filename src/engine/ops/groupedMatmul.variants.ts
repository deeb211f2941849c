/**
 * @file The kernels of a grouped product, side by side. Each sums every element in one order, so all give the same
 * bits; they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { defineKernel } from '@/engine/gpu/kernel';
import { folded, type GradientTarget, type Grid, type Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import dwSubgroupWgsl from '@/shaders/groupedMatmul.dw.subgroup.wgsl?raw';
import dwTileWgsl from '@/shaders/groupedMatmul.dw.tile.wgsl?raw';
import subgroupWgsl from '@/shaders/groupedMatmul.subgroup.wgsl?raw';
import tileWgsl from '@/shaders/groupedMatmul.tile.wgsl?raw';
import plainWgsl from '@/shaders/groupedMatmul.wgsl?raw';
import { BLOCK, type Dispatched } from './dispatch';

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
const rowsByTile = defineKernel({ ...common, name: 'groupedMatmul.tile', wgsl: tileWgsl });
const tileKernels = {
  forward: rowsByTile,
  dx: rowsByTile,
  dw: defineKernel({ ...common, name: 'groupedMatmul.dw.tile', wgsl: dwTileWgsl }),
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

/** For kernels with one file for both products over rows. */
const transposes = (part: GroupedPart) => ({ TRANSPOSE_B: Number(part === 'forward') });

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

const TILE_COLUMNS = 32;
const TILE_ROWS = 64;
const tile: GroupedVariant = {
  fits: ({ F, D }) => isWhole(F, D),
  record(tape, product) {
    const kernel = tileKernels[product.part];
    if (product.part === 'dw') {
      record(tape, kernel, product, dwGrid(product, TILE_COLUMNS, TILE_ROWS));
    } else {
      const grid = rowGrid(columnsOf(product), TILE_COLUMNS, mostBlocks(product));
      record(tape, kernel, product, grid, transposes(product.part));
    }
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
      const overrides = { ...transposes(product.part), WIDE: width };
      record(tape, kernel, product, rowGrid(columnsOf(product), wide, rowBlocks), overrides);
    }
  },
});

/** By name, as a table of an adapter's choices has them. */
export const groupedVariants = {
  plain,
  tile,
  subgroup8: subgroup(8),
  subgroup32: subgroup(32),
} as const satisfies Readonly<Record<string, GroupedVariant>>;

export type GroupedVariantName = keyof typeof groupedVariants;

/** The choice that no adapter changes. */
export const fixedGroupedVariant = (sizes: GroupedSizes): GroupedVariantName =>
  tile.fits(sizes) ? 'tile' : 'plain';
