/** @file The model settings of a Hugging Face `config.json` of the afmoe family. */
import { ConfigError } from './experiment';
import { isGlobalLayer } from './layers';
import { defaultSettings, type Settings } from './settings';

type Model = Settings['model'];
type Json = Readonly<Record<string, unknown>>;

/** @throws {ConfigError} on another family, a missing key, or an option that the engine does not have. */
export function modelFromHuggingFace(config: Json): Model {
  if (config['model_type'] !== 'afmoe') {
    throw new ConfigError(`model_type: want afmoe, got ${String(config['model_type'])}`);
  }
  const count = (key: string): number => {
    const value = config[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new ConfigError(`${key}: want a number, got ${String(value)}`);
  };
  const only = (key: string, want: unknown) => {
    const value = config[key] ?? want;
    if (value !== want) throw new ConfigError(`${key}: want ${String(want)}, got ${String(value)}`);
  };
  only('tie_word_embeddings', false);
  only('score_func', 'sigmoid');
  only('route_norm', true);
  only('rope_scaling', null);
  const model: Model = {
    ...defaultSettings.model,
    vocabSize: count('vocab_size'),
    layerCount: count('num_hidden_layers'),
    denseLayerCount: count('num_dense_layers'),
    width: count('hidden_size'),
    headCount: count('num_attention_heads'),
    kvHeadCount: count('num_key_value_heads'),
    headWidth: count('head_dim'),
    globalEvery: count('global_attn_every_n_layers'),
    window: count('sliding_window'),
    ropeTheta: count('rope_theta'),
    denseWidth: count('intermediate_size'),
    expertCount: count('num_experts'),
    expertsPerToken: count('num_experts_per_tok'),
    sharedExpertCount: count('num_shared_experts'),
    expertWidth: count('moe_intermediate_size'),
    routeScale: count('route_scale'),
    normEps: count('rms_norm_eps'),
    embeddingMultiplier: config['mup_enabled'] === true,
  };
  expectPattern(config['layer_types'], model);
  return model;
}

function expectPattern(types: unknown, model: Model): void {
  if (types === undefined) return;
  const want = Array.from({ length: model.layerCount }, (_, layer) =>
    isGlobalLayer(model, layer) ? 'full_attention' : 'sliding_attention',
  );
  if (!Array.isArray(types) || types.join() !== want.join()) {
    throw new ConfigError(
      `layer_types: want every ${model.globalEvery}th layer global, got ${String(types)}`,
    );
  }
}
