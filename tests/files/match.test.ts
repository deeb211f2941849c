import { describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import { checkpointTensors } from '@/engine/files/checkpoint';
import { CheckpointError } from '@/engine/files/checkpointError';
import { matchWeights, type Part } from '@/engine/files/match';
import { biasNames, hasBiases } from '@/engine/files/names';
import { float32Range, type SafeTensor } from '@/engine/files/safetensors';
import { parameterSpecs } from '@/engine/model/parameters';

type Model = Settings['model'];

const tiny = (preset: string, changes: Partial<Model> = {}): Model => ({
  ...resolve(experimentOn(preset)).model,
  ...{ width: 4, headWidth: 4, denseWidth: 6, expertWidth: 6, vocabSize: 8, expertCount: 3 },
  ...{ expertsPerToken: 1, layerCount: 2 },
  ...changes,
});

const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const f32 = (shape: readonly number[], valueAt: (i: number) => number): SafeTensor => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(
    Float32Array.from({ length: elements(shape) }, (_, i) => valueAt(i)).buffer,
  ),
});

/** Every tensor of a model; each value tells its place in the weight that it belongs to. */
function checkpoint(model: Model): Map<string, SafeTensor> {
  const tensors = new Map<string, SafeTensor>();
  for (const spec of parameterSpecs(model)) {
    for (const { name, shape, start } of checkpointTensors(model, spec)) {
      tensors.set(
        name,
        f32(shape, (i) => start + i),
      );
    }
  }
  if (hasBiases(model)) {
    for (const name of biasNames(model))
      tensors.set(
        name,
        f32([model.expertCount], (i) => i / 8),
      );
  }
  return tensors;
}

/** A weight put together from its parts. */
function assembled(parts: readonly Part[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  for (const { source, from, to, length } of parts) {
    whole.set(float32Range(source, from, length), to);
  }
  return whole;
}

function expectWhole(model: Model, tensors: ReadonlyMap<string, SafeTensor>) {
  const { weights } = matchWeights(model, tensors);
  for (const { name, shape } of parameterSpecs(model)) {
    const values = assembled(weights.get(name)!);
    expect(values, name).toEqual(Float32Array.from({ length: elements(shape) }, (_, i) => i));
  }
}

describe('the weights of a model', () => {
  it.each(['micro', 'hunyuan-micro', 'dots-micro'])('of %s are all found', (preset) => {
    const model = tiny(preset);
    expectWhole(model, checkpoint(model));
  });

  it.each(['micro', 'hunyuan-micro', 'dots-micro'])('of %s may have fused experts', (preset) => {
    const model = tiny(preset);
    const { expertCount: E, expertWidth: F, width: D } = model;
    const tensors = checkpoint(model);
    for (let layer = model.denseLayerCount; layer < model.layerCount; layer++) {
      const at = `model.layers.${layer}.mlp.experts.`;
      for (const name of [...tensors.keys()]) if (name.startsWith(at)) tensors.delete(name);
      // of expert e: gate rows, then up rows
      tensors.set(
        `${at}gate_up_proj`,
        f32([E, 2 * F, D], (i) => i),
      );
      tensors.set(
        `${at}down_proj`,
        f32([E, D, F], (i) => i),
      );
    }
    expectWhole(model, tensors);
  });

  it('may be of sixteen bits, one by one', () => {
    const model = tiny('micro');
    const tensors = checkpoint(model);
    const name = 'model.norm.weight';
    const words = Uint16Array.of(0, 0x3f80, 0x4000, 0x4040);
    tensors.set(name, { dtype: 'BF16', shape: [4], bytes: new Uint8Array(words.buffer) });
    expectWhole(model, tensors);
  });

  it('come with biases where the family has them', () => {
    const biased = tiny('dots-micro');
    expect(matchWeights(biased, checkpoint(biased)).biases.map((bias) => bias?.shape)).toEqual([
      [3],
    ]);
    const model = tiny('hunyuan-micro');
    const tensors = checkpoint(model);
    expect(matchWeights(model, tensors).biases).toEqual([undefined, undefined]);
    tensors.set(
      'model.layers.1.mlp.expert_bias',
      f32([3], () => 1),
    );
    expect(matchWeights(model, tensors).biases.map((bias) => bias?.shape)).toEqual([
      undefined,
      [3],
    ]);
  });

  it('may hold a tied head once more, and tables of rotary angles', () => {
    const model = tiny('hunyuan-micro');
    const tensors = checkpoint(model);
    tensors.set(
      'lm_head.weight',
      f32([8, 4], (i) => i),
    );
    tensors.set(
      'model.layers.0.self_attn.rotary_emb.inv_freq',
      f32([2], () => 1),
    );
    expectWhole(model, tensors);
    tensors.set(
      'lm_head.weight',
      f32([8, 4], (i) => i + 1),
    );
    expect(() => matchWeights(model, tensors)).toThrow(/lm_head.weight: config.json ties it/);
  });
});

describe('weights that do not fit', () => {
  const up = 'model.layers.1.mlp.experts.1.up_proj.weight';
  it.each<[string, (tensors: Map<string, SafeTensor>) => unknown, RegExp]>([
    [
      'one missing',
      (all) => all.delete(up),
      /^model.layers.1.mlp.experts.1.up_proj.weight is missing/,
    ],
    [
      'a bias missing',
      (all) => all.delete('model.layers.1.mlp.expert_bias'),
      /expert_bias is missing/,
    ],
    [
      'one of another shape',
      (all) =>
        all.set(
          up,
          f32([4, 6], () => 0),
        ),
      /want \[6, 4\] .* \[4, 6\]/,
    ],
    [
      'whole numbers',
      (all) => all.set(up, { ...all.get(up)!, dtype: 'I32' }),
      /up_proj.weight: want F32, F16, BF16, got I32/,
    ],
    [
      'a value that is no number',
      (all) =>
        all.set(
          up,
          f32([6, 4], (i) => (i === 5 ? Number.NaN : i)),
        ),
      /up_proj.weight: element 5 is infinite or not a number/,
    ],
    [
      'one too many',
      (all) =>
        all.set(
          'model.layers.7.input_layernorm.weight',
          f32([4], () => 0),
        ),
      /^model.layers.7.input_layernorm.weight: this model has nothing/,
    ],
    [
      'several too many',
      (all) =>
        all
          .set(
            'a',
            f32([4], () => 0),
          )
          .set(
            'b',
            f32([4], () => 0),
          ),
      /^a and 1 more: /,
    ],
    [
      'fused experts of another shape',
      (all) =>
        all.set(
          'model.layers.1.mlp.experts.gate_up_proj',
          f32([3, 4, 12], () => 0),
        ),
      /gate_up_proj: want \[3, 12, 4\]/,
    ],
  ])('are refused: %s', (_, spoil, message) => {
    const model = tiny('micro');
    const tensors = checkpoint(model);
    spoil(tensors);
    expect(() => matchWeights(model, tensors)).toThrow(CheckpointError);
    expect(() => matchWeights(model, tensors)).toThrow(message);
  });
});
