import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import { checkpointTensors } from '@/engine/files/checkpoint';
import { biasNames, checkpointName, hasBiases } from '@/engine/files/names';
import { readSafetensors } from '@/engine/files/safetensors';
import { parameterSpecs } from '@/engine/model/parameters';

const folder = new URL('../goldens/', import.meta.url);

it.each(readdirSync(folder).filter((name) => !name.endsWith('.md')))(
  'names and shapes of %s are those of its checkpoint, no more and no fewer',
  (name) => {
    const file = (path: string) => readFileSync(new URL(`${name}/${path}`, folder));
    const model = modelFromHuggingFace(JSON.parse(file('config.json').toString()));
    const weights = parameterSpecs(model).flatMap((spec) => checkpointTensors(model, spec));
    const biases = hasBiases(model)
      ? biasNames(model).map((bias) => ({ name: bias, shape: [model.expertCount] }))
      : [];
    const ours = new Map([...weights, ...biases].map((tensor) => [tensor.name, [...tensor.shape]]));
    const theirs = readSafetensors(file('model.safetensors'));
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [tensor, { shape }] of theirs) expect(ours.get(tensor), tensor).toEqual(shape);
  },
);

it('keeps the four norms of a block apart where there are four', () => {
  const { model } = resolve(experimentOn('hunyuan-micro'));
  const before = 'model.layers.0.pre_mlp_layernorm.weight';
  expect(checkpointName({ ...model, sandwichNorm: true }, before)).toBe(before);
  expect(checkpointName(model, before)).toBe('model.layers.0.post_attention_layernorm.weight');
});
