/**
 * @file From a projection to the heads of attention: RMSNorm of every head (QK-norm; Trinity, eq. 5–6), then rotary
 * positions (arXiv:2104.09864, eq. 34, rotate-half layout), and what stands beside them taken apart.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardVec4Wgsl from '@/shaders/headNormRope.backward.vec4.wgsl?raw';
import backwardWgsl from '@/shaders/headNormRope.backward.wgsl?raw';
import forwardVec4Wgsl from '@/shaders/headNormRope.forward.vec4.wgsl?raw';
import forwardWgsl from '@/shaders/headNormRope.forward.wgsl?raw';
import gainsVec4Wgsl from '@/shaders/headNormRope.gains.vec4.wgsl?raw';
import gainsWgsl from '@/shaders/headNormRope.gains.wgsl?raw';
import { gainSums } from './columnSum';

export const positionFields = { offset: 'u32' } as const;
/** Position of the first token of a sequence: 0 in training, the length so far in generation. */
export type PositionBlock = LiveBlock<'offset'>;

const geometry = { T: 'u32', N: 'u32', C: 'u32', S: 'u32' } as const;
const flags = { hasNorm: 'u32', isTurned: 'u32', hasRest: 'u32' } as const;
const inputs = { x: 'read', gain_C: 'read', table_PC: 'read' } as const;

interface Texts {
  readonly forward: string;
  readonly backward: string;
  readonly gains: string;
}

/** The same three kernels, channel by channel or four at a time. */
const family = (suffix: '' | '.vec4', texts: Texts) => ({
  forward: defineKernel({
    name: `headNormRope.forward${suffix}`,
    wgsl: texts.forward,
    entryPoint: 'main',
    buffers: { ...inputs, rstd_R: 'read_write', heads: 'read_write', rest: 'read_write' },
    params: { ...geometry, ...flags, eps: 'f32' },
    live: positionFields,
  }),
  backward: defineKernel({
    name: `headNormRope.backward${suffix}`,
    wgsl: texts.backward,
    entryPoint: 'main',
    buffers: { ...inputs, rstd_R: 'read', dheads: 'read', drest: 'read', dx: 'read_write' },
    params: { ...geometry, ...flags, add: 'u32' },
    live: positionFields,
  }),
  gains: defineKernel({
    name: `headNormRope.gains${suffix}`,
    wgsl: texts.gains,
    entryPoint: 'main',
    buffers: { x: 'read', table_PC: 'read', rstd_R: 'read', dheads: 'read', sums_PN: 'read_write' },
    params: {
      ...geometry,
      ...{ P: 'u32', stride: 'u32', column: 'u32', isTurned: 'u32', hasRest: 'u32' },
    },
    live: positionFields,
  }),
});
const plain = family('', { forward: forwardWgsl, backward: backwardWgsl, gains: gainsWgsl });
const vec4 = family('.vec4', {
  forward: forwardVec4Wgsl,
  backward: backwardVec4Wgsl,
  gains: gainsVec4Wgsl,
});

/** Cosines and sines of `positions` positions, [positions, C], made in float64; angle base^(-2j/C) a position. */
export function ropeTable(positions: number, C: number, base: number): Float32Array {
  const table = new Float32Array(positions * C);
  const half = C / 2;
  for (let p = 0; p < positions; p++) {
    for (let j = 0; j < half; j++) {
      const angle = p * base ** ((-2 * j) / C);
      table[p * C + j] = Math.cos(angle);
      table[p * C + half + j] = Math.sin(angle);
    }
  }
  return table;
}

export interface Rope {
  readonly table_PC: Tensor;
  /** S: tokens of one sequence. */
  readonly sequenceLength: number;
  readonly position: PositionBlock;
}

export interface HeadOptions {
  readonly headCount: number;
  /** C, even. */
  readonly headWidth: number;
  /** Gain [C] of the norm of every head; undefined: none. */
  readonly gain_C: Tensor | undefined;
  readonly eps: number;
  readonly positions: Rope;
  /** Whether the heads turn by their position. */
  readonly isTurned: boolean;
  /** Never take the faster kernels: for comparing the two. */
  readonly isPlain?: boolean;
}

/** [T, headCount * C] each. */
export interface SplitHeads {
  readonly heads: Tensor;
  /** The second half of a projection of two, as it was. */
  readonly rest: Tensor | undefined;
}

/** x [T, headCount * C], or twice as wide with something else in its second half; heads are stored as x is. */
export function headNormRope(tape: Tape, x: Tensor, options: HeadOptions): SplitHeads {
  const { headCount: N, headWidth: C, gain_C, positions, isTurned, isPlain = false } = options;
  const [T, width] = expectShape('headNormRope x', x, 2);
  const hasRest = width === 2 * N * C;
  if (!hasRest) expectShape('headNormRope x', x, [T, N * C]);
  if (gain_C) expectShape('headNormRope gain_C', gain_C, [C]);
  const { table_PC, sequenceLength: S, position } = positions;
  if (isTurned) expectShape('headNormRope table_PC', table_PC, [table_PC.shape[0]!, C]);
  const heads = tape.tensor([T, N * C], `heads of ${x.label}`, x.type);
  // A kernel binds every buffer that it names: without a second half, one element that nobody writes.
  const [restShape, restType] = hasRest ? [[T, N * C], x.type] : [[1], 'f32' as const];
  const rest = tape.tensor(restShape, `rest of ${x.label}`, restType);
  const rstd_R = tape.tensor([T * N], `rstd of ${x.label}`);
  const kernels = C % 8 === 0 && !isPlain ? vec4 : plain;
  const groups = Math.ceil((T * N) / kernels.forward.threads);
  const place = { T, N, C, S, isTurned: Number(isTurned), hasRest: Number(hasRest) };
  const params = { ...place, hasNorm: Number(gain_C !== undefined), eps: options.eps };
  const dispatching = { live: position, cost: 8 * T * width };
  const read = { x, gain_C: gain_C ?? table_PC, table_PC };
  tape.dispatch(kernels.forward, { ...read, rstd_R, heads, rest }, params, groups, dispatching);
  tape.onBackward(() => {
    const dheads = tape.upstream(heads);
    const drest = hasRest ? tape.upstream(rest) : dheads;
    const { tensor: dx, add } = tape.gradientOf(x);
    const given = { ...read, rstd_R, dheads, drest, dx };
    tape.together(() => {
      tape.dispatch(kernels.backward, given, { ...params, add }, groups, dispatching);
      const { gains } = kernels;
      if (gain_C)
        gainGradient(tape, gains, { x, table_PC, rstd_R, dheads }, gain_C, place, position);
    });
  });
  return { heads, rest: hasRest ? rest : undefined };
}

type GainInputs = Readonly<Record<'x' | 'table_PC' | 'rstd_R' | 'dheads', Tensor>>;
type Place = Readonly<Record<keyof typeof geometry | 'isTurned' | 'hasRest', number>>;

function gainGradient(
  tape: Tape,
  kernel: (typeof plain)['gains'],
  given: GainInputs,
  gain_C: Tensor,
  place: Place,
  position: PositionBlock,
): void {
  const { sums_PN, columns, finish } = gainSums(tape, [gain_C], place.T);
  const [P, stride] = expectShape('headNormRope sums_PN', sums_PN, 2);
  const columnsOfThread = kernel === vec4.gains ? 4 : 1;
  const grid = [Math.ceil(place.C / (columnsOfThread * kernel.threads)), P, 1] as const;
  const params = { ...place, P, stride, column: columns[0]! };
  const cost = 4 * place.T * place.N * place.C;
  tape.dispatch(kernel, { ...given, sums_PN }, params, grid, { live: position, cost });
  finish();
}
