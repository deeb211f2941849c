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

const EXPERTS = '.mlp.experts.';

/** The checkpoint tensors that make up one weight: itself, or one for each matrix of a stack, for each expert. */
export function checkpointTensors(
  model: Settings['model'],
  { name, shape, stack }: ParameterSpec,
): CheckpointTensor[] {
  const names = (stack ?? [name]).map((part) => checkpointName(model, part));
  const isExpert = names[0]!.includes(EXPERTS);
  if (!isExpert && !stack) return [{ name: names[0]!, shape, start: 0 }];
  const matrix = shape.slice(-2);
  const length = matrix.reduce((a, b) => a * b, 1);
  return Array.from({ length: isExpert ? shape[0]! : 1 }, (_, e) =>
    names.map((own, i) => ({
      name: own.replace(EXPERTS, `${EXPERTS}${e}.`),
      shape: matrix,
      start: (e * names.length + i) * length,
    })),
  ).flat();
}
