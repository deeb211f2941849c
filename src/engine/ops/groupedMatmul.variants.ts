/**
 * @file The kernels of a grouped product, side by side. Each sums every element in one order, so all give the same
 * bits; they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { folded, type Grid } from '@/engine/gpu/dispatch';
import { defineKernel } from '@/engine/gpu/kernel';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import dwSharedWgsl from '@/shaders/groupedMatmul.dw.shared.wgsl?raw';
import dwSubgroupWgsl from '@/shaders/groupedMatmul.dw.subgroup.wgsl?raw';
import dwTileWgsl from '@/shaders/groupedMatmul.dw.tile.wgsl?raw';
import rowsWgsl from '@/shaders/groupedMatmul.rows.wgsl?raw';
import sharedWgsl from '@/shaders/groupedMatmul.shared.wgsl?raw';
import subgroupWgsl from '@/shaders/groupedMatmul.subgroup.wgsl?raw';
import tileWgsl from '@/shaders/groupedMatmul.tile.wgsl?raw';
import plainWgsl from '@/shaders/groupedMatmul.wgsl?raw';
import partsWgsl from '@/shaders/matmul.parts.wgsl?raw';
import { BLOCK, type Dispatched } from './dispatch';
import { dispatchEnding, type Ending, endings, recordApart } from './matmul.epilogue';

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
export interface GroupedProduct extends GroupedSizes, Ending {
  readonly a: Tensor;
  readonly b: Tensor;
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
  buffers: { segments: 'read', source_R: 'read', a: 'read', b: 'read' },
  params: { R: 'u32', E: 'u32', F: 'u32', D: 'u32', gather: 'u32', add: 'u32' },
} as const;
const storing = { ...common, buffers: { ...common.buffers, c: 'read_write' } } as const;
/** The text of a kernel, and what all of them ask of the sorted rows. */
const whole = (...wgsl: readonly string[]): string => [...wgsl, rowsWgsl].join('\n');
const plainKernel = (entryPoint: GroupedPart) =>
  defineKernel({ ...storing, entryPoint, name: 'groupedMatmul', wgsl: whole(plainWgsl) });
const plainKernels = {
  forward: plainKernel('forward'),
  dx: plainKernel('dx'),
  dw: plainKernel('dw'),
};
const rowsByTile = defineKernel({ ...storing, name: 'groupedMatmul.tile', wgsl: whole(tileWgsl) });
const tileKernels = {
  forward: rowsByTile,
  dx: rowsByTile,
  dw: defineKernel({ ...storing, name: 'groupedMatmul.dw.tile', wgsl: whole(dwTileWgsl) }),
};
const rowsByMemory = endings({ ...common, name: 'groupedMatmul.shared', wgsl: whole(sharedWgsl) });
const sharedKernels = {
  forward: rowsByMemory,
  dx: rowsByMemory,
  dw: defineKernel({ ...storing, name: 'groupedMatmul.dw.shared', wgsl: whole(dwSharedWgsl) }),
};
const rowsBySubgroup = endings({
  ...common,
  name: 'groupedMatmul.subgroup',
  wgsl: whole(subgroupWgsl, partsWgsl),
});
const subgroupKernels = {
  forward: rowsBySubgroup,
  dx: rowsBySubgroup,
  dw: defineKernel({
    ...storing,
    name: 'groupedMatmul.dw.subgroup',
    wgsl: whole(dwSubgroupWgsl, partsWgsl),
  }),
};

const isWhole = (...sides: readonly number[]): boolean => sides.every((side) => side % 4 === 0);

function record(
  tape: Tape,
  kernels: typeof rowsBySubgroup | (typeof plainKernels)[GroupedPart],
  product: GroupedProduct,
  grid: Grid,
  overrides: Readonly<Record<string, number>> = {},
): void {
  const { a, b, into, gather, dispatched, R, E, F, D } = product;
  const read = { segments: dispatched.segments, source_R: dispatched.source_R, a, b };
  const params = { R, E, F, D, gather, add: into.add };
  const options = { cost: R * F * D, overrides };
  if ('store' in kernels) {
    dispatchEnding(kernels, product, (kernel, written) => {
      tape.dispatch(kernel, { ...read, ...written }, params, grid, options);
    });
  } else {
    recordApart(tape, product, ({ tensor: c, add }) => {
      tape.dispatch(kernels, { ...read, c }, { ...params, add }, grid, options);
    });
  }
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

const TILE = 32;
const tile: GroupedVariant = {
  fits: ({ F, D }) => isWhole(F, D),
  record(tape, product) {
    const kernel = tileKernels[product.part];
    if (product.part === 'dw') {
      record(tape, kernel, product, dwGrid(product, TILE, TILE));
    } else {
      const grid = rowGrid(columnsOf(product), TILE, mostBlocks(product));
      record(tape, kernel, product, grid, transposes(product.part));
    }
  },
};

/** Tiles in workgroup memory. @param QUADS fours of columns that a thread has, 1 or 2. */
const shared = (QUADS: number): GroupedVariant => ({
  fits: ({ F, D }) => isWhole(F, D),
  record(tape, product) {
    const wide = 64 * QUADS;
    const kernel = sharedKernels[product.part];
    if (product.part === 'dw') {
      record(tape, kernel, product, dwGrid(product, wide, 64), { QUADS });
    } else {
      const overrides = { ...transposes(product.part), QUADS };
      const grid = rowGrid(columnsOf(product), wide, mostBlocks(product));
      record(tape, kernel, product, grid, overrides);
    }
  },
});

/**
 * @param width threads of a workgroup: no more than a subgroup of the adapter has, and 8 at least.
 * @param tall rows of a workgroup, 16 or 32.
 */
const subgroup = (width: number, tall: number): GroupedVariant => ({
  fits: ({ F, D }) => isWhole(F, D),
  record(tape, product) {
    const wide = 4 * width;
    const pieces = mostBlocks(product) * (BLOCK / tall);
    const kernel = subgroupKernels[product.part];
    const sizes = { WIDE: width, ROWS: tall };
    if (product.part === 'dw') {
      record(tape, kernel, product, dwGrid(product, wide, tall), sizes);
    } else {
      const overrides = { ...transposes(product.part), ...sizes };
      record(tape, kernel, product, rowGrid(columnsOf(product), wide, pieces), overrides);
    }
  },
});

/** By name, as a table of an adapter's choices has them. */
export const groupedVariants = {
  plain,
  tile,
  shared64: shared(1),
  shared128: shared(2),
  subgroup8: subgroup(8, 16),
  subgroup8tall: subgroup(8, 32),
  subgroup32: subgroup(32, 16),
} as const satisfies Readonly<Record<string, GroupedVariant>>;

export type GroupedVariantName = keyof typeof groupedVariants;

/** The choice that no adapter changes. */
export const fixedGroupedVariant = (sizes: GroupedSizes): GroupedVariantName =>
  tile.fits(sizes) ? 'tile' : 'plain';
