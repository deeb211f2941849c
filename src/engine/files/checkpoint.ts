/** @file The tensors of a checkpoint that make up each weight of the engine; every expert is one of its own there. */
import type { Settings } from '@/engine/config/settings';
import type { ParameterSpec } from '@/engine/model/parameters';
import { checkpointName } from './names';

/** One tensor of a checkpoint and the part of ours that it is. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Elements of our tensor before it. */
  readonly start: number;
}

export const EXPERTS = '.mlp.experts.';

/** The checkpoint tensors that make up one weight: itself, or one for each expert. */
export function checkpointTensors(
  model: Settings['model'],
  { name, shape }: ParameterSpec,
): CheckpointTensor[] {
  const own = checkpointName(model, name);
  if (!own.includes(EXPERTS)) return [{ name: own, shape, start: 0 }];
  const [E, ...matrix] = shape as [number, ...number[]];
  const length = matrix.reduce((a, b) => a * b, 1);
  return Array.from({ length: E }, (_, e) => ({
    name: own.replace(EXPERTS, `${EXPERTS}${e}.`),
    shape: matrix,
    start: e * length,
  }));
}
