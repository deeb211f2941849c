/**
 * @file The model settings of a Hugging Face `config.json`: afmoe (Trinity), hunyuan (Hunyuan-Large), dots1
 * (dots.llm1). Keys that are missing or null mean what each family's own code makes of them.
 */
import { ConfigError } from './experiment';
import { refusal } from './field';
import { type ConfigJson, HuggingFaceKeys } from './huggingFaceKeys';
import { isGlobalLayer } from './layers';
import { complaints } from './rules';
import { defaultSettings, type Settings, settings } from './settings';

type Model = Settings['model'];
type Part = Partial<Model>;

/** `model_type` of each family. */
export const modelTypes = {
  trinity: 'afmoe',
  hunyuan: 'hunyuan',
  dots: 'dots1',
} as const satisfies Record<Model['family'], string>;

/** Key under which the lab notes rows of the model that the family's own keys do not hold. */
export const labKey = 'trinity_lab';

/**
 * @throws {ConfigError} naming key and value: another family, a missing key, an option that the engine does not
 * have, values that cannot stand together.
 */
export function modelFromHuggingFace(config: ConfigJson): Model {
  const keys = new HuggingFaceKeys(config);
  const family = (Object.keys(modelTypes) as Model['family'][]).find(
    (id) => modelTypes[id] === keys.value('model_type'),
  );
  if (!family) throw keys.refused('model_type', `want ${Object.values(modelTypes).join(', ')}`);
  keys.only('hidden_act', 'silu');
  keys.only('attention_bias', false);
  keys.only('mlp_bias', false);
  const common = commonRows(keys);
  const known: Model = {
    ...defaultSettings.model,
    ...common,
    family,
    ...familyRows[family](keys, common),
  };
  const model: Model = { ...known, ...layerRows(keys, known), ...labRows(keys) };
  const complaint = complaints({ ...defaultSettings, model })[0];
  if (complaint) throw new ConfigError(`config.json, ${complaint.path}: ${complaint.message}`);
  return model;
}

type Common = ReturnType<typeof commonRows>;

/** What all three call the same. */
function commonRows(keys: HuggingFaceKeys) {
  const width = keys.number('hidden_size', 'width');
  const headCount = keys.number('num_attention_heads', 'headCount');
  return {
    vocabSize: keys.number('vocab_size', 'vocabSize'),
    layerCount: keys.number('num_hidden_layers', 'layerCount'),
    width,
    headCount,
    kvHeadCount: keys.number('num_key_value_heads', 'kvHeadCount', headCount),
    headWidth: keys.number('head_dim', 'headWidth', Math.floor(width / headCount)),
    normEps: keys.number('rms_norm_eps', 'normEps'),
    tiedEmbeddings: keys.flag('tie_word_embeddings', false),
    ...rotaryRows(keys),
  };
}

/** `rope_theta` beside `rope_scaling`, or both in `rope_parameters`, as newer folders have it. */
function rotaryRows(keys: HuggingFaceKeys): { ropeTheta: number; ropeAlpha: number } {
  const newer = asObject(keys, 'rope_parameters');
  const inner = newer && new HuggingFaceKeys(newer);
  const place = keys.value('rope_theta') === undefined && inner ? inner : keys;
  const ropeTheta = place.number('rope_theta', 'ropeTheta', 10_000);
  const key = newer ? 'rope_parameters' : 'rope_scaling';
  const scaling = newer ?? asObject(keys, key);
  if (!scaling || Object.keys(scaling).length === 0) return { ropeTheta, ropeAlpha: 1 };
  const kind = scaling['type'] ?? scaling['rope_type'];
  if (newer && (kind === undefined || kind === 'default')) return { ropeTheta, ropeAlpha: 1 };
  if (kind !== 'dynamic' || !scaling['alpha']) {
    throw keys.refused(key, 'of the scalings only type dynamic with an alpha is there');
  }
  return { ropeTheta, ropeAlpha: new HuggingFaceKeys(scaling).number('alpha', 'ropeAlpha') };
}

function asObject(keys: HuggingFaceKeys, key: string): ConfigJson | undefined {
  const value = keys.value(key);
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw keys.refused(key, 'want an object');
  return value as ConfigJson;
}

const familyRows: Record<Model['family'], (keys: HuggingFaceKeys, common: Common) => Part> = {
  trinity: trinityRows,
  hunyuan: hunyuanRows,
  dots: dotsRows,
};

function trinityRows(keys: HuggingFaceKeys): Part {
  for (const key of ['n_group', 'topk_group', 'num_expert_groups', 'num_limited_groups']) {
    keys.only(key, 1);
  }
  keys.only('score_func', 'sigmoid', 'softmax');
  return {
    denseLayerCount: keys.number('num_dense_layers', 'denseLayerCount'),
    denseWidth: keys.number('intermediate_size', 'denseWidth'),
    expertWidth: keys.number('moe_intermediate_size', 'expertWidth'),
    expertCount: keys.number('num_experts', 'expertCount'),
    expertsPerToken: keys.number('num_experts_per_tok', 'expertsPerToken', 1),
    sharedExpertCount: keys.number('num_shared_experts', 'sharedExpertCount'),
    scoring: keys.value('score_func') === 'softmax' ? 'softmax' : 'sigmoid',
    normalisedGates: keys.flag('route_norm', true),
    routeScale: keys.number('route_scale', 'routeScale', 1),
    embeddingMultiplier: keys.flag('mup_enabled', false),
    positions: 'local',
    qkNorm: 'before',
    attentionGate: true,
    sandwichNorm: true,
  };
}

/** What neither of the two later families has of Trinity. */
const plainBlocks = {
  positions: 'all',
  attentionGate: false,
  sandwichNorm: false,
  embeddingMultiplier: false,
} as const satisfies Part;

function dotsRows(keys: HuggingFaceKeys): Part {
  keys.only('n_group', 1);
  keys.only('topk_group', 1);
  keys.only('scoring_func', 'sigmoid');
  return {
    ...plainBlocks,
    denseLayerCount: keys.number('first_k_dense_replace', 'denseLayerCount'),
    denseWidth: keys.number('intermediate_size', 'denseWidth'),
    expertWidth: keys.number('moe_intermediate_size', 'expertWidth'),
    expertCount: keys.number('n_routed_experts', 'expertCount'),
    expertsPerToken: keys.number('num_experts_per_tok', 'expertsPerToken', 1),
    sharedExpertCount: keys.number('n_shared_experts', 'sharedExpertCount', 0),
    scoring: 'sigmoid',
    normalisedGates: keys.flag('norm_topk_prob', false),
    routeScale: keys.number('routed_scaling_factor', 'routeScale', 1),
    qkNorm: 'before',
  };
}

/** One expert a token keeps its raw probability; several share theirs. Spec of the gates: modeling_hunyuan.py. */
function hunyuanRows(keys: HuggingFaceKeys): Part {
  const topK = keys.number('moe_topk', 'expertsPerToken', 1);
  const width = keys.number('intermediate_size', 'expertWidth');
  const isMixed = keys.flag('use_mixed_mlp_moe', false);
  const isShared = keys.flag('use_cla', false);
  return {
    ...plainBlocks,
    denseLayerCount: 0,
    denseWidth: width,
    expertWidth: width,
    expertCount: keys.number('num_experts', 'expertCount'),
    expertsPerToken: keys.number('num_experts_per_tok', 'expertsPerToken', topK),
    sharedExpertCount: isMixed ? keys.number('num_shared_expert', 'sharedExpertCount', 1) : 0,
    scoring: 'softmax',
    normalisedGates: topK > 1,
    routeScale: 1,
    qkNorm: keys.flag('use_qk_norm', false) ? 'after' : 'none',
    kvShare: isShared ? keys.number('cla_share_factor', 'kvShare', 1) : 1,
    overflow: overflowOf(keys),
    capacityFactor: keys.number(
      'capacity_factor',
      'capacityFactor',
      defaultSettings.model.capacityFactor,
    ),
  };
}

function overflowOf(keys: HuggingFaceKeys): Model['overflow'] {
  const isRecycled = keys.flag('moe_random_routing_dropped_token', false);
  if (!keys.flag('moe_drop_tokens', false)) return 'keep';
  return isRecycled ? 'recycle' : 'drop';
}

const LETTERS = new Map<unknown, string>([
  ['sliding_attention', 'L'],
  ['full_attention', 'G'],
]);

/** Which layers are local, and their window. Without a list, Trinity has one global layer in four, others only those. */
function layerRows(keys: HuggingFaceKeys, model: Model): Part {
  const { layerCount } = model;
  const isTrinity = model.family === 'trinity';
  const every = isTrinity ? keys.number('global_attn_every_n_layers', 'globalEvery', 4) : 1;
  const regular = { globalEvery: every > layerCount ? 0 : every, layerTypes: '' };
  const types = keys.value('layer_types');
  const rows =
    types === undefined ? regular : patternRows(keys, { ...model, ...regular }, regular, types);
  const shape = { ...model, ...rows };
  const hasLocal = Array.from({ length: layerCount }, (_, layer) => layer).some(
    (layer) => !isGlobalLayer(shape, layer),
  );
  const fallback = hasLocal ? undefined : defaultSettings.model.window;
  return { ...rows, window: keys.number('sliding_window', 'window', fallback) };
}

/** The regular pattern where the list says the same, else the list in letters. */
function patternRows(
  keys: HuggingFaceKeys,
  model: Model,
  regular: { globalEvery: number; layerTypes: string },
  types: unknown,
): { globalEvery: number; layerTypes: string } {
  const letters = Array.isArray(types) ? types.map((type) => LETTERS.get(type)) : [];
  if (letters.length !== model.layerCount || letters.includes(undefined)) {
    const names = [...LETTERS.keys()].join(' or ');
    throw keys.refused('layer_types', `want ${names} for each of ${model.layerCount} layers`);
  }
  const isRegular = letters.every(
    (letter, layer) => (letter === 'G') === isGlobalLayer(model, layer),
  );
  return isRegular ? regular : { ...regular, layerTypes: letters.join('') };
}

/** Rows that the lab noted itself, checked like any other. */
function labRows(keys: HuggingFaceKeys): Part {
  const rows = asObject(keys, labKey) ?? {};
  for (const [name, value] of Object.entries(rows)) {
    const field = Object.hasOwn(settings.model, name)
      ? settings.model[name as keyof Model]
      : undefined;
    const why = field ? refusal(field, value) : 'no such setting';
    if (why) throw new ConfigError(`config.json, ${labKey}.${name}: ${why}, got ${String(value)}`);
  }
  return rows as Part;
}
