/**
 * @file Head, cross-entropy and z-loss in one: logits exist for one chunk of the vocabulary at a time, first
 * folded into running statistics, later recomputed and turned into their gradient in place. Where one chunk
 * holds the whole vocabulary nothing is computed twice. Trinity, 3.3 and 6.
 */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import backwardWgsl from '@/shaders/crossEntropy.backward.wgsl?raw';
import forwardWgsl from '@/shaders/crossEntropy.forward.wgsl?raw';
import { lossSum } from './lossSum';
import { matmul } from './matmul';

export const lossFields = { scale: 'f32', z: 'f32' } as const;
const params = { T: 'u32', V: 'u32', first: 'u32' } as const;
const forward = defineKernel({
  name: 'crossEntropy.forward',
  wgsl: forwardWgsl,
  entryPoint: 'main',
  buffers: {
    logits_TV: 'read',
    targets_T: 'read',
    stats_T: 'read_write',
    sums_T: 'read_write',
  },
  params,
});
const backward = defineKernel({
  name: 'crossEntropy.backward',
  wgsl: backwardWgsl,
  entryPoint: 'main',
  buffers: { targets_T: 'read', stats_T: 'read', logits_TV: 'read_write' },
  params,
  live: lossFields,
});

/** Most bytes of logits at a time. */
const CHUNK_BYTES = 32 * 2 ** 20;
/** Vocabulary rows of a chunk come in multiples of this, so that a binding can start at any chunk. */
const ROW_STEP = 64;

export interface CrossEntropy {
  /** u32 [T]; 0xffffffff counts for nothing. */
  readonly targets_T: Tensor;
  /** `scale`: one over the number of valid targets; `z`: weight of the z-loss. */
  readonly live: LiveBlock<'scale' | 'z'>;
  /** [LOSSES_LENGTH]: what `lossSum` makes of the batch. */
  readonly losses: Tensor;
  /** 1: this is one micro-batch of several, its losses are added; left out: they are overwritten. */
  readonly add?: 0 | 1;
  /** Vocabulary rows of one chunk, for tests; else what fits 32 MiB. */
  readonly chunkRows?: number;
}

/**
 * Loss of hidden states x [T, D] against a head [V, D].
 * @returns stats [T, 4] of each token: largest logit, sum of exponentials, logit of the target, log-sum-exp.
 */
export function crossEntropy(
  tape: Tape,
  x_TD: Tensor,
  head_VD: Tensor,
  options: CrossEntropy,
): Tensor {
  const { targets_T, live, losses } = options;
  const [T, D] = expectShape('crossEntropy x_TD', x_TD, 2);
  const [V] = expectShape('crossEntropy head_VD', head_VD, 2);
  expectShape('crossEntropy head_VD', head_VD, [V, D]);
  expectShape('crossEntropy targets_T', targets_T, [T]);
  const chunks = chunksOf(V, options.chunkRows ?? Math.floor(CHUNK_BYTES / (4 * T)));
  const stats_T = tape.tensor([T, 4], 'crossEntropy stats');
  const sums_T = tape.tensor([T], 'logit sums');
  const logitsOf = ({ first, rows }: Chunk) => {
    const logits_TV = tape.tensor([T, rows], 'logits');
    const b = head_VD.slice(first * D, [rows, D]);
    matmul(tape, {
      form: 'nt',
      a: x_TD,
      b,
      into: { tensor: logits_TV, add: 0 },
      M: T,
      N: rows,
      K: D,
    });
    return logits_TV;
  };
  let whole: Tensor | undefined;
  for (const chunk of chunks) {
    const logits_TV = logitsOf(chunk);
    if (chunks.length === 1) whole = logits_TV;
    const values = { T, V: chunk.rows, first: chunk.first };
    tape.dispatch(forward, { logits_TV, targets_T, stats_T, sums_T }, values, T, {
      cost: 2 * T * chunk.rows,
    });
  }
  const add = options.add ?? 0;
  lossSum(tape, { targets_T, stats_T, sums_T, vocabSize: V, losses, add }, live);

  tape.onBackward(() => {
    const { tensor, add } = tape.gradientOf(head_VD); // each chunk writes rows of its own
    for (const chunk of chunks) {
      const { first, rows } = chunk;
      const logits_TV = whole ?? logitsOf(chunk);
      const groups = Math.ceil((T * rows) / backward.threads);
      tape.dispatch(backward, { targets_T, stats_T, logits_TV }, { T, V: rows, first }, groups, {
        live,
      });
      const w = head_VD.slice(first * D, [rows, D]);
      const dw = { tensor: tensor.slice(first * D, [rows, D]), add };
      const dx = tape.gradientOf(x_TD);
      tape.together(() => {
        matmul(tape, { form: 'tn', a: logits_TV, b: x_TD, into: dw, M: rows, N: D, K: T });
        matmul(tape, { form: 'nn', a: logits_TV, b: w, into: dx, M: T, N: D, K: rows });
      });
    }
  });
  return stats_T;
}

interface Chunk {
  readonly first: number;
  readonly rows: number;
}

function chunksOf(V: number, wanted: number): Chunk[] {
  const step = wanted >= V ? V : Math.max(ROW_STEP, Math.floor(wanted / ROW_STEP) * ROW_STEP);
  const chunks: Chunk[] = [];
  for (let first = 0; first < V; first += step)
    chunks.push({ first, rows: Math.min(step, V - first) });
  return chunks;
}
