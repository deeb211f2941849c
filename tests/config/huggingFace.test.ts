import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, resolve } from '@/engine/config/experiment';
import type { Field } from '@/engine/config/field';
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import { huggingFaceConfig, inexpressible } from '@/engine/config/huggingFaceConfig';
import { isGlobalLayer } from '@/engine/config/layers';
import { presets } from '@/engine/config/presets';
import { complaints } from '@/engine/config/rules';
import { defaultSettings, type Settings, settings } from '@/engine/config/settings';

type Model = Settings['model'];
type Json = Record<string, unknown>;

const golden = (name: string): Json =>
  JSON.parse(readFileSync(new URL(`../goldens/${name}/config.json`, import.meta.url), 'utf8'));
const preset = (id: string): Settings => resolve({ preset: id, changes: {}, timeline: [] });
/** As it comes out of a file. */
const written = (values: Settings): Json => JSON.parse(JSON.stringify(huggingFaceConfig(values)));

const small: Readonly<Record<string, readonly number[]>> = {
  headCount: [4, 8],
  kvHeadCount: [1, 2, 4],
  headWidth: [4, 6],
  layerCount: [1, 3, 8],
  denseLayerCount: [0, 1],
  expertCount: [1, 5, 16],
  expertsPerToken: [1, 3],
  kvShare: [1, 2],
  globalEvery: [0, 1, 2, 4, 9],
};

/** Any model that the settings table allows. */
const models: fc.Arbitrary<Model> = fc
  .record(
    Object.fromEntries(
      Object.entries(settings.model).map(([name, field]) => [name, valuesOf(name, field)]),
    ),
  )
  .map((model) => model as unknown as Model)
  .filter((model) => complaints({ ...defaultSettings, model }).length === 0);

function valuesOf(name: string, field: Field): fc.Arbitrary<unknown> {
  if (small[name]) return fc.constantFrom(...small[name]);
  switch (field.kind) {
    case 'int':
      return fc.integer({ min: field.min, max: field.max });
    case 'float':
      return fc.double({ min: field.min, max: field.max, noNaN: true });
    case 'bool':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...field.options);
    case 'text':
      return fc.constantFrom('', 'G', 'LG', 'LLLGG');
  }
}

describe('a config.json', () => {
  it('gives every model back, also those that the family has no keys for', () => {
    fc.assert(
      fc.property(models, (model) => {
        expect(modelFromHuggingFace(written({ ...defaultSettings, model }))).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  it('holds what the family can express in its own keys alone', () => {
    fc.assert(
      fc.property(models, (any) => {
        const model = asPublished(any);
        const values = { ...defaultSettings, model, balance: preset('hunyuan-micro').balance };
        expect(inexpressible(values)).toEqual([]);
        const { trinity_lab: _, ...own } = written(values);
        const read = modelFromHuggingFace(own);
        const layers = Array.from({ length: model.layerCount }, (__, layer) => layer);
        const shape = (of: Model) => layers.map((layer) => isGlobalLayer(of, layer));
        expect(shape(read)).toEqual(shape(model));
        expect(read).toEqual({ ...model, ...unsaid(model, read) });
      }),
      { numRuns: 300 },
    );
  });

  it.each(presets.filter(({ published }) => published).map(({ id }) => id))(
    'of %s is expressible',
    (id) => {
      expect(inexpressible(preset(id))).toEqual([]);
    },
  );

  it('of micro needs no key of our own, with global layers or none, and no period of 0', () => {
    for (const globalEvery of [4, 0]) {
      const { model } = preset('micro');
      const config = written({ ...defaultSettings, model: { ...model, globalEvery } });
      expect(Object.keys(config)).not.toContain('trinity_lab');
      expect(config['global_attn_every_n_layers']).toBe(globalEvery || model.layerCount + 1);
    }
  });

  it('of every preset names its architecture', () => {
    const found = presets.map(({ id }) => huggingFaceConfig(preset(id))['architectures']);
    expect(new Set(found.flat())).toEqual(
      new Set(['AfmoeForCausalLM', 'HunYuanForCausalLM', 'Dots1ForCausalLM']),
    );
  });
});

/** The nearest model that the family’s own code runs. */
function asPublished(model: Model): Model {
  const { family } = model;
  const isTrinity = family === 'trinity';
  const isHunyuan = family === 'hunyuan';
  const own: Model = {
    ...model,
    positions: isTrinity ? 'local' : 'all',
    attentionGate: isTrinity,
    sandwichNorm: isTrinity,
    embeddingMultiplier: isTrinity && model.embeddingMultiplier,
    scoring: isHunyuan ? 'softmax' : 'sigmoid',
  };
  if (!isHunyuan) {
    const normalisedGates = isTrinity || model.normalisedGates;
    return {
      ...own,
      normalisedGates,
      qkNorm: 'before',
      kvShare: 1,
      ropeAlpha: 1,
      overflow: 'keep',
    };
  }
  return {
    ...own,
    layerTypes: 'G',
    qkNorm: model.qkNorm === 'none' ? 'none' : 'after',
    width: model.headWidth * model.headCount,
    denseLayerCount: 0,
    normalisedGates: model.expertsPerToken > 1,
    routeScale: 1,
  };
}

/**
 * Rows that the family’s keys need not hold: how a model starts and is rounded in training, the pattern where the
 * list of layers says it, widths and windows that no layer has.
 */
function unsaid(model: Model, read: Model): Partial<Model> {
  const { depthScaledGain, initDistribution, initScale, linearPrecision } = read;
  const { globalEvery, layerTypes, denseWidth, window, capacityFactor } = read;
  const hasWindow = Array.from({ length: model.layerCount }, (_, layer) => layer).some(
    (layer) => !isGlobalLayer(model, layer),
  );
  return {
    ...{ depthScaledGain, initDistribution, initScale, linearPrecision, globalEvery, layerTypes },
    ...(model.family === 'hunyuan' ? { denseWidth } : { capacityFactor }),
    ...(hasWindow ? {} : { window }),
  };
}

describe('the four goldens', () => {
  it('load', () => {
    expect(modelFromHuggingFace(golden('trinity-nano-like'))).toMatchObject({
      family: 'trinity',
      globalEvery: 4,
      layerTypes: '',
      headWidth: 16,
      attentionGate: true,
      embeddingMultiplier: true,
      routeScale: 2.826,
    });
    expect(modelFromHuggingFace(golden('trinity-large-like'))).toMatchObject({
      denseLayerCount: 2,
      headCount: 8,
      window: 16,
    });
    expect(modelFromHuggingFace(golden('dots-like'))).toMatchObject({
      family: 'dots',
      headWidth: 8, // no head_dim: width over heads
      positions: 'all',
      globalEvery: 1,
      qkNorm: 'before',
      sandwichNorm: false,
      attentionGate: false,
      sharedExpertCount: 2,
      ropeTheta: 1e7,
      routeScale: 2.5,
      normalisedGates: true,
    });
    expect(modelFromHuggingFace(golden('hunyuan-like'))).toMatchObject({
      family: 'hunyuan',
      kvShare: 2,
      qkNorm: 'after',
      ropeAlpha: 1000,
      tiedEmbeddings: true,
      scoring: 'softmax',
      normalisedGates: false,
      routeScale: 1,
      denseLayerCount: 0,
      expertWidth: 24,
      sharedExpertCount: 1,
      overflow: 'keep',
      capacityFactor: 1,
    });
  });
});

describe('keys that are missing, null or said otherwise', () => {
  const read = (name: string, changes: Json): Model => {
    const config = { ...golden(name), ...changes };
    for (const [key, value] of Object.entries(config)) if (value === undefined) delete config[key];
    return modelFromHuggingFace(config);
  };

  it('mean what the family makes of them', () => {
    expect(
      read('dots-like', { n_group: null, topk_group: null, n_shared_experts: null }),
    ).toMatchObject({ sharedExpertCount: 0 });
    expect(read('dots-like', { norm_topk_prob: undefined }).normalisedGates).toBe(false);
    expect(read('dots-like', { num_key_value_heads: null }).kvHeadCount).toBe(4);
    expect(read('trinity-nano-like', { mup_enabled: undefined }).embeddingMultiplier).toBe(false);
    expect(read('trinity-nano-like', { route_scale: undefined }).routeScale).toBe(1);
    expect(read('trinity-nano-like', { route_norm: undefined }).normalisedGates).toBe(true);
    expect(read('trinity-nano-like', { route_norm: false }).normalisedGates).toBe(false);
    expect(read('trinity-nano-like', { score_func: 'softmax' }).scoring).toBe('softmax');
    expect(
      read('trinity-nano-like', { layer_types: undefined, global_attn_every_n_layers: undefined })
        .globalEvery,
    ).toBe(4);
    expect(read('hunyuan-like', { use_qk_norm: false }).qkNorm).toBe('none');
    expect(read('hunyuan-like', { use_cla: false }).kvShare).toBe(1);
    expect(read('hunyuan-like', { use_mixed_mlp_moe: undefined }).sharedExpertCount).toBe(0);
    expect(read('hunyuan-like', { moe_topk: 2 })).toMatchObject({
      expertsPerToken: 2,
      normalisedGates: true,
    });
    expect(read('hunyuan-like', { moe_drop_tokens: true }).overflow).toBe('drop');
    expect(
      read('hunyuan-like', { moe_drop_tokens: true, moe_random_routing_dropped_token: true })
        .overflow,
    ).toBe('recycle');
  });

  it('may name layers one by one', () => {
    const types = ['full_attention', 'sliding_attention', 'sliding_attention', 'full_attention'];
    expect(read('trinity-nano-like', { layer_types: types }).layerTypes).toBe('GLLG');
    expect(read('dots-like', { layer_types: types, sliding_window: 8 })).toMatchObject({
      layerTypes: 'GLLG',
      window: 8,
      positions: 'all',
    });
  });

  it('may hold the rotary base in rope_parameters', () => {
    const changes = { rope_theta: undefined, rope_scaling: undefined };
    const rope = (rope_parameters: Json) => read('dots-like', { ...changes, rope_parameters });
    expect(rope({ rope_type: 'default', rope_theta: 5e5 })).toMatchObject({
      ropeTheta: 5e5,
      ropeAlpha: 1,
    });
    expect(() => rope({ rope_type: 'yarn', rope_theta: 5e5, factor: 4 })).toThrow(
      /rope_parameters: of the scalings only type dynamic .* got \{"rope_type":"yarn"/,
    );
  });
});

describe('what cannot be', () => {
  it.each<[string, Json, RegExp]>([
    ['dots-like', { model_type: 'llama' }, /model_type: want afmoe, hunyuan, dots1, got llama/],
    ['dots-like', { hidden_size: '32' }, /hidden_size: want a number, got 32/],
    ['dots-like', { hidden_size: 1e9 }, /hidden_size: want 4 to 8192, got 1000000000/],
    ['dots-like', { vocab_size: null }, /vocab_size: want a number, got nothing/],
    ['dots-like', { n_group: 8 }, /n_group: want 1, got 8/],
    ['dots-like', { attention_bias: true }, /attention_bias: want false, got true/],
    ['dots-like', { hidden_act: 'gelu' }, /hidden_act: want silu, got gelu/],
    ['dots-like', { num_experts_per_tok: 9 }, /expertsPerToken: 9 is over model.expertCount \(8\)/],
    ['dots-like', { tie_word_embeddings: 'no' }, /tie_word_embeddings: want true or false, got no/],
    ['dots-like', { rope_scaling: { type: 'yarn', factor: 4 } }, /rope_scaling: .*"yarn"/],
    [
      'dots-like',
      { rope_scaling: { type: 'linear', alpha: 4 } },
      /rope_scaling: of the scalings only type dynamic/,
    ],
    ['dots-like', { layer_types: ['full_attention'] }, /layer_types: want .* each of 4 layers/],
    ['trinity-nano-like', { sliding_window: null }, /sliding_window: want a number, got nothing/],
    ['trinity-nano-like', { score_func: 'relu' }, /score_func: want sigmoid or softmax, got relu/],
    ['trinity-nano-like', { trinity_lab: { width: 1e9 } }, /trinity_lab.width: want 4 to 8192/],
    ['trinity-nano-like', { trinity_lab: { __proto: 1 } }, /trinity_lab.__proto: no such setting/],
    ['hunyuan-like', { moe_topk: [1, 1] }, /moe_topk: want a number, got \[1,1\]/],
    ['hunyuan-like', { moe_topk: 2, moe_drop_tokens: true }, /drop needs model.expertsPerToken 1/],
  ])('%s with %o is one readable sentence', (name, changes, message) => {
    const read = () => modelFromHuggingFace({ ...golden(name), ...changes });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  it('is told of a model that the family’s own code would compute otherwise', () => {
    const { model } = preset('micro');
    const told = (changes: Partial<Model>, id = 'micro') =>
      inexpressible({ ...preset(id), model: { ...preset(id).model, ...changes } });
    expect(inexpressible({ ...defaultSettings, model })).toEqual([]);
    expect(told({ attentionGate: false })).toEqual([
      'model.attentionGate false: afmoe always has one',
    ]);
    expect(told({ kvShare: 2, positions: 'all' }).length).toBe(2);
    expect(told({ denseLayerCount: 1 }, 'hunyuan-micro')).toEqual([
      'model.denseLayerCount 1: hunyuan has 0',
    ]);
    expect(told({ ropeAlpha: 8 }, 'dots-micro')).toEqual(['model.ropeAlpha 8: dots1 has none']);
    const hunyuan = preset('hunyuan-micro');
    expect(inexpressible({ ...hunyuan, balance: { ...hunyuan.balance, kind: 'sign' } })).toEqual([
      'balance.kind sign: hunyuan has no biases to select by',
    ]);
  });
});
