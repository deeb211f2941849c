/**
 * @file Finds the weights of a model among the tensors of a checkpoint. Everything is checked before anything is
 * used: each weight is there with its shape, a floating type and finite values, and no tensor is left over.
 */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import {
  embeddingName,
  headName,
  type ParameterSpec,
  parameterSpecs,
} from '@/engine/model/parameters';
import { checkpointTensors } from './checkpoint';
import { CheckpointError } from './checkpointError';
import { biasNames, checkpointName, hasBiases } from './names';
import { firstNotFinite, quoted, type SafeTensor } from './safetensors';

type Model = Settings['model'];
type Tensors = ReadonlyMap<string, SafeTensor>;

/** Part of a checkpoint tensor and the part of a weight of the engine that it is. In elements. */
export interface Part {
  readonly source: SafeTensor;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

export interface MatchedWeights {
  /** By the engine's name of each weight. */
  readonly weights: ReadonlyMap<string, readonly Part[]>;
  /** Selection bias [E] of each mixture layer; undefined where the checkpoint has none: 0 then. */
  readonly biases: readonly (SafeTensor | undefined)[];
}

/** What an optimizer and a balancer remember, by the engine's name of each weight or by mixture layer. */
export interface MatchedOptimizer {
  readonly moment1: ReadonlyMap<string, readonly Part[]>;
  /** Of the weights that AdamW moves. */
  readonly moment2: ReadonlyMap<string, readonly Part[]>;
  readonly biases: readonly SafeTensor[];
  readonly momenta: readonly SafeTensor[];
}

const FLOATS: readonly string[] = ['F32', 'F16', 'BF16'];

/** Tensors that some folders hold and that follow from the configuration. */
const FOLLOWS = /\.rotary_emb\.inv_freq$/;

/**
 * @throws {CheckpointError} naming the tensor that is missing, left over, of another shape or type, or holds what is
 * no finite number.
 */
export function matchWeights(model: Model, tensors: Tensors): MatchedWeights {
  const found = new Finder(tensors);
  const weights = new Map<string, readonly Part[]>();
  for (const spec of parameterSpecs(model)) {
    const fused = spec.role === 'expert' ? fusedParts(found, model, spec) : [];
    const own = () => checkpointTensors(model, spec).map((part) => found.whole(part));
    const parts = fused.length > 0 ? fused : own();
    weights.set(spec.name, parts);
  }
  const biases = biasNames(model).map((name) =>
    hasBiases(model) || tensors.has(name) ? found.take(name, [model.expertCount]) : undefined,
  );
  if (model.tiedEmbeddings) expectTied(found, tensors);
  found.expectNothingLeft();
  found.expectFinite();
  return { weights, biases };
}

/** Names in optimizer.safetensors. */
export const optimizerNames = {
  moment1: (checkpointName: string) => `moment1/${checkpointName}`,
  moment2: (checkpointName: string) => `moment2/${checkpointName}`,
  bias: (layer: number) => `expert_bias/${layer}`,
  momentum: (layer: number) => `bias_momentum/${layer}`,
} as const;

/**
 * @param hasMoment2 whether AdamW moves the weight with that name.
 * @throws {CheckpointError} as `matchWeights`
 */
export function matchOptimizer(
  model: Model,
  tensors: Tensors,
  hasMoment2: (name: string) => boolean,
): MatchedOptimizer {
  const found = new Finder(tensors);
  const moment1 = new Map<string, readonly Part[]>();
  const moment2 = new Map<string, readonly Part[]>();
  for (const spec of parameterSpecs(model)) {
    const parts = checkpointTensors(model, spec);
    const named = (nameOf: (name: string) => string) =>
      parts.map((part) => found.whole({ ...part, name: nameOf(part.name) }));
    moment1.set(spec.name, named(optimizerNames.moment1));
    if (hasMoment2(spec.name)) moment2.set(spec.name, named(optimizerNames.moment2));
  }
  const rows = (nameOf: (layer: number) => string) =>
    mixtureLayers(model).map((layer) => found.take(nameOf(layer), [model.expertCount]));
  const biases = rows(optimizerNames.bias);
  const momenta = rows(optimizerNames.momentum);
  found.expectNothingLeft();
  return { moment1, moment2, biases, momenta };
}

class Finder {
  readonly #used = new Set<string>();

  constructor(readonly tensors: Tensors) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** The tensor as one part. */
  whole({ name, shape, start }: { name: string; shape: readonly number[]; start: number }): Part {
    const source = this.take(name, shape);
    return { source, from: 0, to: start, length: elements(shape) };
  }

  take(name: string, shape: readonly number[]): SafeTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new CheckpointError(`${name} is missing.`);
    if (tensor.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `${name}: want [${shape.join(', ')}] by config.json, the file has [${quoted(tensor.shape.join(', '))}].`,
      );
    }
    if (!FLOATS.includes(tensor.dtype)) {
      throw new CheckpointError(`${name}: want ${FLOATS.join(', ')}, got ${tensor.dtype}.`);
    }
    this.#used.add(name);
    return tensor;
  }

  /** Every tensor that was taken. */
  expectFinite(): void {
    for (const name of this.#used) {
      const place = firstNotFinite(this.tensors.get(name)!);
      if (place === undefined) continue;
      throw new CheckpointError(`${name}: element ${place} is infinite or not a number.`);
    }
  }

  expectNothingLeft(): void {
    const left = [...this.tensors.keys()].filter(
      (name) => !this.#used.has(name) && !FOLLOWS.test(name),
    );
    if (left.length === 0) return;
    const more = left.length > 1 ? ` and ${left.length - 1} more` : '';
    throw new CheckpointError(`${quoted(left[0]!)}${more}: this model has nothing of that name.`);
  }
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * The same weight out of the tensor that newer versions of transformers keep for all experts of a layer, laid out as
 * ours: `gate_up_proj` [E, 2 F, D], gate rows first, or `down_proj` [E, D, F]. Empty where there is none.
 */
function fusedParts(found: Finder, model: Model, { name, shape }: ParameterSpec): Part[] {
  const fused = checkpointName(model, name).replace(/\.weight$/, '');
  const columns = shape.at(-1)!;
  const rows = elements(shape) / (shape[0]! * columns);
  if (!found.has(fused)) return [];
  return [found.whole({ name: fused, shape: [shape[0]!, rows, columns], start: 0 })];
}

/** A head that is the embedding may be there once more, if it is the same. */
function expectTied(found: Finder, tensors: Tensors): void {
  const head = tensors.get(headName);
  if (!head) return;
  const embedding = tensors.get(embeddingName)!;
  found.take(headName, embedding.shape);
  const isSame =
    head.dtype === embedding.dtype && head.bytes.every((byte, i) => byte === embedding.bytes[i]);
  if (!isSame) {
    throw new CheckpointError(
      `${headName}: config.json ties it to ${embeddingName}, but the two differ.`,
    );
  }
}
