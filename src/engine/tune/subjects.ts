/** @file What there is to choose from: the variants of a question that an adapter can run, and how each is recorded. */
import type { OpenDevice } from '@/engine/gpu/device';
import type { Tensor } from '@/engine/gpu/tensor';
import { together } from '@/engine/gpu/together';
import { JOINED, joiningQuestion, type Question } from '@/engine/gpu/tuning';
import {
  type AttentionPart,
  type AttentionVariantName,
  attentionVariants,
  fixedAttention,
} from '@/engine/ops/attention.variants';
import { dispatch } from '@/engine/ops/dispatch';
import {
  fixedGroupedVariant,
  type GroupedPart,
  type GroupedVariantName,
  groupedVariants,
} from '@/engine/ops/groupedMatmul.variants';
import {
  fixedVariant,
  type MatmulForm,
  type MatmulVariant,
  matmulVariants,
} from '@/engine/ops/matmul.variants';
import type { Subject } from './contest';

type Adapter = Pick<OpenDevice, 'info' | 'subgroupSize' | 'hasSubgroupMatrices'>;

/** Multiply-adds of a contest's product: enough to keep the adapter busy, and soon over. */
const MOST_WORK = { graphics: 2 ** 30, software: 2 ** 23 };
/** A product of fewer is over at once whoever does it. */
const LEAST_WORK = 2 ** 17;

/**
 * What needs no contest: a software adapter has no gaps between dispatches that joining them could close, and takes its time
 * for a longer text, compiling it and running it.
 */
export const ruleFor = ({ op }: Question, { info }: Adapter): string | undefined =>
  op === joiningQuestion.op && info.isSoftware ? APART : undefined;
const APART = 'apart';
/** Narrower subgroups hold too few rows. */
const LEAST_SUBGROUP = 8;

/** What a contest over a question is about; undefined where there is nothing to choose. */
export function subjectOf(question: Question, adapter: Adapter): Subject | undefined {
  const work = workOf(question);
  if (work < LEAST_WORK) return undefined;
  return subjects[question.op]?.(question, adapter);
}

/** Multiply-adds of what a question is about: the product of its sides. */
export const workOf = ({ sides }: Question): number =>
  sides.reduce((product, side) => product * side, 1);

const subjects: Readonly<Record<string, (question: Question, adapter: Adapter) => Subject>> = {
  matmul: matmulSubject,
  groupedMatmul: groupedSubject,
  attention: attentionSubject,
  together: joiningSubject,
};

const mostWork = ({ info }: Adapter): number =>
  MOST_WORK[info.isSoftware ? 'software' : 'graphics'];

function matmulSubject({ form: name, sides }: Question, adapter: Adapter): Subject {
  const form = name as MatmulForm;
  const [batch = 1, M = 4, N = 4, K = 4] = reduced(sides, mostWork(adapter));
  const sizes = { form, batch, M, N, K };
  const variants = new Set([fixedVariant(sizes), ...matmulCandidates(adapter)]);
  return {
    variants: [...variants].filter((variant) => matmulVariants[variant].fits(sizes)),
    inputs: [batch * M * K, batch * N * K, batch * M * N].map((length) => ({ shape: [length] })),
    record(tape, [a, b, c], variant) {
      const into = { tensor: c!, add: 0 } as const;
      const product = { ...sizes, a: a!, b: b!, into };
      matmulVariants[variant as MatmulVariant].record(tape, product);
      return 0;
    },
  };
}

/** Beside the fixed choice. On a software adapter workgroup memory is memory like any. */
const matmulCandidates = (adapter: Adapter): MatmulVariant[] => [
  ...bySubgroups(adapter).flatMap((name) => SHAPES[name]),
  ...(adapter.info.isSoftware ? [] : GRAPHICS),
  ...(adapter.hasSubgroupMatrices ? (['subgroupMatrix'] as const) : []),
];
const SHAPES = { subgroup8: ['subgroup8', 'subgroup8tall'], subgroup32: ['subgroup32'] } as const;
const GRAPHICS = ['shared32', 'shared64', 'shared128'] as const;

/** The variant whose workgroups are subgroups of the adapter; none where those are too small. */
function bySubgroups({ subgroupSize }: Adapter): ('subgroup8' | 'subgroup32')[] {
  if (subgroupSize < LEAST_SUBGROUP) return [];
  return [subgroupSize < 32 ? 'subgroup8' : 'subgroup32'];
}

/** The two gradients of a linear layer, by a kernel that graphics cards are likely to take. */
function joiningSubject({ sides: [M = 4, N = 4, K = 4] }: Question): Subject {
  const { record } = matmulVariants.shared64;
  return {
    variants: [JOINED, APART],
    inputs: [M * K, N * K, M * N, N * K, M * K].map((length) => ({ shape: [length] })),
    record(tape, [x, w, dy, dw, dx], variant) {
      const product = (form: MatmulForm, b: Tensor, c: Tensor, sides: [number, number, number]) => {
        const [m, n, k] = sides;
        const into = { tensor: c, add: 0 } as const;
        record(tape, { form, batch: 1, a: dy!, b, into, M: m, N: n, K: k });
      };
      product('tn', x!, dw!, [N, K, M]);
      product('nn', w!, dx!, [M, K, N]);
      if (variant === JOINED) tape.dispatches.push(...together(tape.dispatches.splice(0)));
      return 0;
    },
  };
}

const groupedCandidates = (adapter: Adapter): GroupedVariantName[] => [
  ...bySubgroups(adapter).flatMap((name) => SHAPES[name]),
  ...(adapter.info.isSoftware ? [] : (['shared64', 'shared128'] as const)),
];

/** Every expert gets as many rows as any other; it is their number that a class is made by. */
function groupedSubject({ form, sides }: Question, adapter: Adapter): Subject {
  const part = form as GroupedPart;
  const [E = 1, rows = 4, F = 4, D = 4] = reduced(sides, mostWork(adapter));
  const R = E * rows;
  const sizes = { part, R, E, F, D };
  const variants = new Set([fixedGroupedVariant(sizes), ...groupedCandidates(adapter)]);
  const [a, b, c] = {
    forward: [R * D, E * F * D, R * F],
    dx: [R * F, E * F * D, R * D],
    dw: [R * F, R * D, E * F * D],
  }[part] as [number, number, number];
  return {
    variants: [...variants].filter((variant) => groupedVariants[variant].fits(sizes)),
    inputs: [
      ...[a, b, c].map((length) => ({ shape: [length] })),
      { shape: [R, 1], type: 'u32', values: Uint32Array.from({ length: R }, (_, r) => r % E) },
      { shape: [1, E], type: 'u32' },
    ],
    record(tape, [a, b, c, choices, counts], variant) {
      const dispatched = dispatch(tape, choices!, counts!, 0);
      const first = tape.dispatches.length;
      const product = { ...sizes, a: a!, b: b!, into: { tensor: c!, add: 0 as const } };
      const name = variant as GroupedVariantName;
      groupedVariants[name].record(tape, { ...product, gather: 0, dispatched });
      return first;
    },
  };
}

/** As many key heads as query heads, and one document. */
function attentionSubject({ form, sides }: Question, adapter: Adapter): Subject {
  const part = form as AttentionPart;
  const [B = 1, H = 4, S = 4, window = 4, C = 4] = reduced(sides, mostWork(adapter));
  const sizes = { T: B * S, S, H, G: H, C };
  const { T } = sizes;
  const geometry = { ...sizes, window: Math.min(window, S), masked: 0, scale: C ** -0.5 };
  const variants = new Set([fixedAttention(sizes), ...bySubgroups(adapter)]);
  const names = Object.keys(attentionVariants) as AttentionVariantName[];
  return {
    variants: names.filter((name) => variants.has(name) && attentionVariants[name].fits(sizes)),
    inputs: [
      ...Array.from({ length: 6 }, () => ({ shape: [T, H * C] })),
      { shape: [T, H, 2] },
      { shape: [T], type: 'u32' },
    ],
    record(tape, [q, k, v, dy, out0, out1, stats, documents], name) {
      const kernels = attentionVariants[name as AttentionVariantName];
      const read = { q_TH: q!, k_TG: k!, v_TG: v!, documents_T: documents! };
      const back = { ...read, dy_TH: dy!, stats_TH: stats!, out0: out0!, out1: out1! };
      const ahead = { ...read, gate_TH: q!, y_TH: out0!, gated_TH: out1!, lse_TH: stats! };
      const overrides = { WIDTH: kernels.width(sizes) };
      const grid = kernels.grid(sizes, H);
      const params = { ...geometry, add0: 0, add1: 0 };
      if (part === 'forward') tape.dispatch(kernels.forward, ahead, geometry, grid, { overrides });
      else tape.dispatch(kernels[part], back, params, grid, { overrides });
      return 0;
    },
  };
}

/** Sides in whole fours, the longest halved until their product is no more than `most`; the first is a count. */
function reduced(sides: readonly number[], most: number): number[] {
  const fours = sides.map((side, i) => (i === 0 ? side : 4 * Math.ceil(side / 4)));
  while (fours.reduce((product, side) => product * side, 1) > most) {
    const longest = fours.indexOf(Math.max(...fours));
    fours[longest] = 4 * Math.ceil(fours[longest]! / 8);
  }
  return fours;
}
