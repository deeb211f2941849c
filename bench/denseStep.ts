/**
 * @file The peers' problem in our engine: the same transformer that runs train, with everything off that the
 * problem does not have. No kernel of its own.
 */
import { resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import type { OpenDevice } from '@/engine/gpu/device';
import type { Tensor } from '@/engine/gpu/tensor';
import { embeddingName, finalNormName, headName, layerName } from '@/engine/model/parameters';
import type { Weights } from '@/engine/model/weights';
import { constants, parameterShapes, problem, type Shape } from './peers/problem.mjs';
import { StepRun } from './stepRun';

/** Settings of the problem: dense blocks with one norm each half, AdamW without decay, no clipping. */
export function denseSettings({ V, D, L, H, F, S, B }: Shape): Settings {
  const changes = {
    model: {
      vocabSize: V,
      layerCount: L,
      denseLayerCount: L,
      width: D,
      headCount: H,
      kvHeadCount: H,
      headWidth: D / H,
      globalEvery: 1,
      positions: 'none',
      qkNorm: 'none',
      attentionGate: false,
      sandwichNorm: false,
      denseWidth: F,
      normEps: constants.normEps,
      embeddingMultiplier: false,
    },
    data: { contextLength: S, batchSequences: B, intraDocumentMask: false },
    loss: { zWeight: 0, sequenceBalance: 0 },
    optimizer: {
      hidden: 'adamw',
      adamwLearningRate: constants.rate,
      adamwBeta1: constants.beta1,
      adamwBeta2: constants.beta2,
      adamwEps: constants.adamEps,
      adamwWeightDecay: 0,
      embeddingWeightDecay: 0,
      gradientClip: 0,
    },
    schedule: { warmupSteps: 0 },
  } as const;
  return resolve({ preset: 'micro', changes, timeline: [] });
}

/** Name of the problem's weight in our checkpoints, and whether it lies there transposed. */
function nameOf(weight: string): { name: string; isTransposed: boolean } {
  if (weight === 'embed') return { name: embeddingName, isTransposed: false };
  if (weight === 'head') return { name: headName, isTransposed: true };
  if (weight === 'norm') return { name: finalNormName, isTransposed: false };
  const [, kind, layer] = /^(\D+)(\d+)$/.exec(weight)!;
  const at = (name: string) => layerName(Number(layer), `${name}.weight`);
  if (kind === 'attentionNorm') return { name: at('input_layernorm'), isTransposed: false };
  if (kind === 'feedForwardNorm') return { name: at('pre_mlp_layernorm'), isTransposed: false };
  const half = ['gate', 'up', 'down'].includes(kind!) ? 'mlp' : 'self_attn';
  return { name: at(`${half}.${kind}_proj`), isTransposed: true };
}

/** The problem's [in, out] as our [out, in]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!;
  }
  return result;
}

/** The problem, ready to be stepped, with the weights that every contender starts from. */
export async function denseStep(
  open: OpenDevice,
  shape: Shape,
): Promise<{ run: StepRun; batch: Batch }> {
  const run = await StepRun.create(open, denseSettings(shape));
  const { weights, inputs, targets } = problem(shape);
  for (const [weight, [rows, columns]] of Object.entries(parameterShapes(shape))) {
    const { name, isTransposed } = nameOf(weight);
    const values = weights[weight]!;
    write(
      open.device,
      placeOf(run.state.weights, name),
      isTransposed ? transposed(values, rows!, columns!) : values,
    );
  }
  const nothing = new Uint32Array(inputs.length);
  const batch = {
    tokens: Uint32Array.from(inputs),
    targets: Uint32Array.from(targets),
    documents: nothing,
    domains: nothing,
  };
  return { run, batch };
}

/** Where a matrix lies that may be one of a stack. */
function placeOf(weights: Weights, name: string): Pick<Tensor, 'buffer' | 'offset'> {
  for (const { spec, weight } of weights.entries()) {
    const { stack = [spec.name] } = spec;
    const index = stack.indexOf(name);
    if (index < 0) continue;
    return { buffer: weight.buffer, offset: weight.offset + (index * weight.bytes) / stack.length };
  }
  throw new Error(`there is no weight named ${name}`);
}

function write(
  { queue }: GPUDevice,
  { buffer, offset }: Pick<Tensor, 'buffer' | 'offset'>,
  values: Float32Array,
): void {
  queue.writeBuffer(buffer, offset, values as Float32Array<ArrayBuffer>);
}
