/**
 * @file The weights of a model under the names of its Hugging Face checkpoint (afmoe), where every expert is
 * a tensor of its own, and the router biases, which are buffers there.
 */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { ParameterSpec } from '@/engine/model/parameters';

/** One tensor of a checkpoint and the part of ours that it is. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Elements of our tensor before it. */
  readonly start: number;
}

const EXPERTS = '.mlp.experts.';

/** The checkpoint tensors that make up one weight: itself, or one for each expert. */
export function checkpointTensors({ name, shape }: ParameterSpec): CheckpointTensor[] {
  if (!name.includes(EXPERTS)) return [{ name, shape, start: 0 }];
  const [E, ...matrix] = shape as [number, ...number[]];
  const length = matrix.reduce((a, b) => a * b, 1);
  return Array.from({ length: E }, (_, e) => ({
    name: name.replace(EXPERTS, `${EXPERTS}${e}.`),
    shape: matrix,
    start: e * length,
  }));
}

/** Name of the selection bias of each mixture layer, in the order of the rows of `bias_LE`. */
export const biasNames = (model: Settings['model']): string[] =>
  mixtureLayers(model).map((layer) => `model.layers.${layer}.mlp.expert_bias`);
