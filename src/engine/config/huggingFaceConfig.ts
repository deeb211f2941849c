/** @file The Hugging Face `config.json` of a model, and what of it the family's own code could not run. */
import { labKey, modelFromHuggingFace, modelTypes } from './huggingFace';
import { isGlobalLayer } from './layers';
import type { Settings } from './settings';

type Model = Settings['model'];
type Json = Readonly<Record<string, unknown>>;

/** The byte that closes every document of the lab's texts. */
const END_OF_DOCUMENT = 0;

const architectures = {
  trinity: 'AfmoeForCausalLM',
  hunyuan: 'HunYuanForCausalLM',
  dots: 'Dots1ForCausalLM',
} as const satisfies Record<Model['family'], string>;

/**
 * Every key of the family; `modelFromHuggingFace` gives the same model back. What the family has no key for stands
 * under a key of the lab's own, which nobody else reads: see `inexpressible`.
 */
export function huggingFaceConfig(settings: Settings): Json {
  const { model } = settings;
  const config = { ...commonKeys(settings), ...familyKeys[model.family](settings) };
  const read = modelFromHuggingFace(config);
  const rows = (Object.keys(model) as (keyof Model)[]).filter((row) => model[row] !== read[row]);
  if (rows.length === 0) return config;
  return { ...config, [labKey]: Object.fromEntries(rows.map((row) => [row, model[row]])) };
}

function commonKeys({ model, data }: Settings): Json {
  return {
    architectures: [architectures[model.family]],
    model_type: modelTypes[model.family],
    attention_bias: false,
    attention_dropout: 0,
    dtype: 'float32',
    eos_token_id: END_OF_DOCUMENT,
    hidden_act: 'silu',
    hidden_size: model.width,
    initializer_range: model.initScale / Math.sqrt(model.width),
    max_position_embeddings: data.contextLength,
    num_attention_heads: model.headCount,
    num_hidden_layers: model.layerCount,
    num_key_value_heads: model.kvHeadCount,
    rms_norm_eps: model.normEps,
    rope_scaling:
      model.ropeAlpha === 1 ? null : { type: 'dynamic', factor: 1, alpha: model.ropeAlpha },
    rope_theta: model.ropeTheta,
    tie_word_embeddings: model.tiedEmbeddings,
    use_cache: true,
    vocab_size: model.vocabSize,
  };
}

const familyKeys: Record<Model['family'], (settings: Settings) => Json> = {
  trinity: trinityKeys,
  hunyuan: hunyuanKeys,
  dots: dotsKeys,
};

/** `layer_types`, layer by layer. */
const layerTypes = (model: Model): string[] =>
  Array.from({ length: model.layerCount }, (_, layer) =>
    isGlobalLayer(model, layer) ? 'full_attention' : 'sliding_attention',
  );

function trinityKeys({ model, balance }: Settings): Json {
  return {
    // A period of 0 would be divided by; one past the last layer means the same.
    global_attn_every_n_layers: model.globalEvery || model.layerCount + 1,
    head_dim: model.headWidth,
    intermediate_size: model.denseWidth,
    layer_types: layerTypes(model),
    load_balance_coeff: balance.kind === 'smebu' ? balance.lambda : balance.gamma,
    moe_intermediate_size: model.expertWidth,
    mup_enabled: model.embeddingMultiplier,
    n_group: 1,
    num_dense_layers: model.denseLayerCount,
    num_expert_groups: 1,
    num_experts: model.expertCount,
    num_experts_per_tok: model.expertsPerToken,
    num_limited_groups: 1,
    num_shared_experts: model.sharedExpertCount,
    route_norm: model.normalisedGates,
    route_scale: model.routeScale,
    score_func: model.scoring,
    sliding_window: model.window,
    topk_group: 1,
    use_grouped_mm: true,
  };
}

function dotsKeys({ model }: Settings): Json {
  const types = layerTypes(model);
  const isLocal = types.includes('sliding_attention');
  return {
    first_k_dense_replace: model.denseLayerCount,
    head_dim: model.headWidth,
    intermediate_size: model.denseWidth,
    layer_types: types,
    moe_intermediate_size: model.expertWidth,
    n_group: 1,
    n_routed_experts: model.expertCount,
    n_shared_experts: model.sharedExpertCount,
    norm_topk_prob: model.normalisedGates,
    num_experts_per_tok: model.expertsPerToken,
    routed_scaling_factor: model.routeScale,
    scoring_func: 'sigmoid',
    sliding_window: isLocal ? model.window : null,
    topk_group: 1,
  };
}

function hunyuanKeys({ model }: Settings): Json {
  const isOwnWidth = model.headWidth * model.headCount !== model.width;
  return {
    ...(isOwnWidth ? { head_dim: model.headWidth } : {}),
    capacity_factor: model.capacityFactor,
    cla_share_factor: model.kvShare,
    intermediate_size: model.expertWidth,
    mlp_bias: false,
    moe_drop_tokens: model.overflow !== 'keep',
    moe_random_routing_dropped_token: model.overflow === 'recycle',
    moe_topk: model.expertsPerToken,
    num_experts: model.expertCount,
    num_shared_expert: model.sharedExpertCount,
    pretraining_tp: 1,
    // Also for 1: the release rounds the angles of its plain positions to bf16, and those of an alpha not at all.
    rope_scaling: { type: 'dynamic', factor: 1, alpha: model.ropeAlpha },
    use_cla: model.kvShare > 1,
    use_mixed_mlp_moe: model.sharedExpertCount > 0,
    use_qk_norm: model.qkNorm !== 'none',
  };
}

type Limit = readonly [row: string, value: unknown, holds: boolean, why: string];

/**
 * What another program that knows the family would compute otherwise from the checkpoint, one line a setting with
 * its value. Empty: the folder means there what it means here.
 */
export function inexpressible(settings: Settings): string[] {
  const { family } = settings.model;
  return [...everywhere(settings), ...familyLimits[family](settings)].flatMap(
    ([row, value, holds, why]) => (holds ? [] : [`${row} ${String(value)}: ${why}`]),
  );
}

function everywhere({ model }: Settings): Limit[] {
  const { family } = model;
  const positions = family === 'trinity' ? 'local' : 'all';
  const hasGate = family === 'trinity';
  const of = modelTypes[family];
  return [
    ['model.positions', model.positions, model.positions === positions, `${of} has ${positions}`],
    [
      'model.attentionGate',
      model.attentionGate,
      model.attentionGate === hasGate,
      `${of} ${hasGate ? 'always' : 'never'} has one`,
    ],
    [
      'model.sandwichNorm',
      model.sandwichNorm,
      model.sandwichNorm === hasGate,
      `${of} ${hasGate ? 'always' : 'never'} has one`,
    ],
    [
      'model.embeddingMultiplier',
      model.embeddingMultiplier,
      hasGate || !model.embeddingMultiplier,
      `${of} has none`,
    ],
  ];
}

const familyLimits: Record<Model['family'], (settings: Settings) => Limit[]> = {
  trinity: ({ model }) => [
    ...noneOfHunyuan(model),
    ['model.scoring', model.scoring, model.scoring === 'sigmoid', 'afmoe has sigmoid'],
    ['model.normalisedGates', model.normalisedGates, model.normalisedGates, 'afmoe has them'],
  ],
  dots: ({ model }) => [
    ...noneOfHunyuan(model),
    ['model.scoring', model.scoring, model.scoring === 'sigmoid', 'dots1 has sigmoid'],
  ],
  hunyuan: hunyuanLimits,
};

/** What only Hunyuan-Large has. */
function noneOfHunyuan(model: Model): Limit[] {
  const of = modelTypes[model.family];
  return [
    ['model.qkNorm', model.qkNorm, model.qkNorm === 'before', `${of} has before`],
    ['model.kvShare', model.kvShare, model.kvShare === 1, `${of} has keys in every layer`],
    ['model.ropeAlpha', model.ropeAlpha, model.ropeAlpha === 1, `${of} has none`],
    ['model.overflow', model.overflow, model.overflow === 'keep', `${of} has no capacity`],
  ];
}

function hunyuanLimits({ model, balance }: Settings): Limit[] {
  const isGlobal = !layerTypes(model).includes('sliding_attention');
  const movesBias = balance.kind === 'sign' || balance.kind === 'smebu';
  const areShares = model.expertsPerToken > 1;
  const { headWidth: C, headCount, width } = model;
  return [
    ['model.layerTypes', model.layerTypes || 'L', isGlobal, 'hunyuan has no local layers'],
    ['model.qkNorm', model.qkNorm, model.qkNorm !== 'before', 'hunyuan has after or none'],
    ['model.headWidth', C, C * headCount === width, 'hunyuan has width / heads'],
    ['model.denseLayerCount', model.denseLayerCount, model.denseLayerCount === 0, 'hunyuan has 0'],
    ['model.scoring', model.scoring, model.scoring === 'softmax', 'hunyuan has softmax'],
    [
      'model.normalisedGates',
      model.normalisedGates,
      model.normalisedGates === areShares,
      `hunyuan has ${areShares} with model.expertsPerToken ${model.expertsPerToken}`,
    ],
    ['model.routeScale', model.routeScale, model.routeScale === 1, 'hunyuan has 1'],
    ['balance.kind', balance.kind, !movesBias, 'hunyuan has no biases to select by'],
  ];
}
