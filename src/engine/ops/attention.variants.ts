/**
 * @file The kernels of attention, side by side. All but the plain ones sum in one order, so they give the same bits;
 * they differ in the shapes that they can do and in what they ask of an adapter.
 */
import { folded, type Grid } from '@/engine/gpu/dispatch';
import { defineKernel } from '@/engine/gpu/kernel';
import backwardC16Wgsl from '@/shaders/attention.backward.c16.wgsl?raw';
import backwardSubgroupWgsl from '@/shaders/attention.backward.subgroup.wgsl?raw';
import backwardVec4Wgsl from '@/shaders/attention.backward.vec4.wgsl?raw';
import backwardWgsl from '@/shaders/attention.backward.wgsl?raw';
import deltaWgsl from '@/shaders/attention.delta.wgsl?raw';
import forwardC16Wgsl from '@/shaders/attention.forward.c16.wgsl?raw';
import forwardSubgroupWgsl from '@/shaders/attention.forward.subgroup.wgsl?raw';
import forwardVec4Wgsl from '@/shaders/attention.forward.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/attention.forward.wgsl?raw';
import gateWgsl from '@/shaders/attention.gate.wgsl?raw';

/** Counts as in docs/shapes.md. */
export interface AttentionSizes {
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly G: number;
  readonly C: number;
}

const geometry = {
  T: 'u32',
  S: 'u32',
  H: 'u32',
  G: 'u32',
  C: 'u32',
  window: 'u32',
  masked: 'u32',
  scale: 'f32',
} as const;
const inputs = { q_TH: 'read', k_TG: 'read', v_TG: 'read', documents_T: 'read' } as const;
const gradients = { ...inputs, dy_TH: 'read', stats_TH: 'read', out0: 'read_write' } as const;

type Suffix = '' | '.vec4' | '.c16' | '.subgroup';

/** The same three kernels: channel by channel, four at a time, for heads of sixteen, or for eight rows of a subgroup. */
function kernels(suffix: Suffix, forwardText: string, backwardText: string) {
  const backward = {
    name: `attention.backward${suffix}`,
    wgsl: backwardText,
    params: { ...geometry, add0: 'u32', add1: 'u32' },
  } as const;
  return {
    forward: defineKernel({
      name: `attention.forward${suffix}`,
      wgsl: forwardText,
      entryPoint: 'main',
      buffers: {
        ...inputs,
        y_TH: 'read_write',
        lse_TH: 'read_write',
        gate_TH: 'read',
        gated_TH: 'read_write',
      },
      params: geometry,
    }),
    dq: defineKernel({ ...backward, entryPoint: 'dq', buffers: gradients }),
    dkv: defineKernel({
      ...backward,
      entryPoint: 'dkv',
      buffers: { ...gradients, out1: 'read_write' },
    }),
  };
}

/** What the backward pass needs of each query, summed as the kernels that read it sum; with a gate and without. */
const perQuery = (entryPoint: 'main' | 'fours') => ({
  delta: defineKernel({
    name: 'attention.delta',
    wgsl: deltaWgsl,
    entryPoint,
    buffers: { y_TH: 'read', dy_TH: 'read', lse_TH: 'read', stats_TH: 'read_write' },
    params: { rows: 'u32', C: 'u32' },
  }),
  gate: defineKernel({
    name: 'attention.gate',
    wgsl: gateWgsl,
    entryPoint,
    buffers: {
      y_TH: 'read',
      gate_TH: 'read',
      dz_TH: 'read',
      lse_TH: 'read',
      dy_TH: 'read_write',
      dgate_TH: 'read_write',
      stats_TH: 'read_write',
    },
    params: { rows: 'u32', C: 'u32', add: 'u32' },
  }),
});
const byFours = perQuery('fours');

/** The three products with their softmax; each may go by kernels of its own. */
export type AttentionPart = 'forward' | 'dq' | 'dkv';

export interface AttentionVariant extends ReturnType<typeof kernels>, ReturnType<typeof perQuery> {
  /** Whether it can do these sizes. */
  fits(sizes: AttentionSizes): boolean;
  /** Steps over the channels of a head. */
  width(sizes: AttentionSizes): number;
  /** Workgroups for a row of each of `heads` heads of each token. */
  grid(sizes: AttentionSizes, heads: number): Grid;
}

/** A thread for each row. */
const THREADS = 64;
const byRow = ({ T }: AttentionSizes, heads: number): Grid =>
  folded(Math.ceil((T * heads) / THREADS));

/** Of a head: what a thread can hold. */
export const MOST_CHANNELS = 256;
const plain: AttentionVariant = {
  ...kernels('', forwardWgsl, backwardWgsl),
  ...perQuery('main'),
  fits: ({ C }) => C <= MOST_CHANNELS,
  width: ({ C }) => C,
  grid: byRow,
};

const rows: AttentionVariant = {
  ...kernels('.vec4', forwardVec4Wgsl, backwardVec4Wgsl),
  ...byFours,
  fits: ({ C }) => C % 4 === 0 && C <= MOST_CHANNELS,
  width: ({ C }) => C / 4,
  grid: byRow,
};

/** The row of a head as one matrix of four by four. */
const matrices: AttentionVariant = {
  ...rows,
  ...kernels('.c16', forwardC16Wgsl, backwardC16Wgsl),
  fits: ({ C }) => C === 16,
};

/** Eight rows of a head, in a subgroup of at least so many. */
const SUBGROUP = 8;
/** Code grows with the channels: a compiler would take longer over wider heads than a run of them gains. */
const SUBGROUP_CHANNELS = 64;
const MOST_GROUPS = 65_535;
const subgroup8: AttentionVariant = {
  ...kernels('.subgroup', forwardSubgroupWgsl, backwardSubgroupWgsl),
  ...byFours,
  fits: ({ T, S, C }) => C % 4 === 0 && C <= SUBGROUP_CHANNELS && T / S <= MOST_GROUPS,
  width: ({ C }) => C / 4,
  grid: ({ T, S }, heads) => [Math.ceil(S / SUBGROUP), heads, T / S],
};

/** By name, as a table of an adapter's choices has them. `subgroup8` asks for subgroups of eight or more. */
export const attentionVariants = { plain, rows, matrices, subgroup8 } as const satisfies Readonly<
  Record<string, AttentionVariant>
>;

export type AttentionVariantName = keyof typeof attentionVariants;

/** The choice that no adapter changes. */
export function fixedAttention(sizes: AttentionSizes): AttentionVariantName {
  if (matrices.fits(sizes)) return 'matrices';
  return rows.fits(sizes) ? 'rows' : 'plain';
}
