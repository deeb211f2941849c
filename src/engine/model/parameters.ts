/**
 * @file Every weight of a model: name, shape, start and optimizer. Names are those of Trinity's Hugging Face
 * checkpoints (afmoe), for all families; `files/` knows the others. Two things stand together here that a checkpoint
 * keeps apart, since one product serves them: the experts of a layer, [E, out, in], and matrices of one shape that read
 * the same input, [2, out, in].
 */
import { kvOwner } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';

type Model = Settings['model'];

/** What a weight is, and so who moves it: gains, embedding and head by AdamW, matrices by Muon. */
export type ParameterRole = 'embedding' | 'head' | 'gain' | 'matrix' | 'router' | 'expert';

export interface ParameterSpec {
  readonly name: string;
  /** Linear weights are (out, in), the last two axes of stacks: [2, out, in], experts [E, out, in] or [E, 2, out, in]. */
  readonly shape: readonly number[];
  /** Names of the matrices of a stack, in order. */
  readonly stack?: readonly string[];
  readonly role: ParameterRole;
  /** Value of every element of a gain at the start; matrices start from a truncated normal. */
  readonly start?: number;
  /** Share of its elements that one token touches: K / E for routed experts. */
  readonly activeShare: number;
}

export const layerName = (layer: number, name: string): string => `model.layers.${layer}.${name}`;
export const embeddingName = 'model.embed_tokens.weight';
export const headName = 'lm_head.weight';
export const finalNormName = 'model.norm.weight';

/** Every trained weight, in checkpoint order. */
export function parameterSpecs(model: Model): ParameterSpec[] {
  const { vocabSize: V, width: D, layerCount } = model;
  const layers = Array.from({ length: layerCount }, (_, layer) => [
    ...attentionSpecs(model, layer),
    ...normSpecs(model, layer),
    ...(layer < model.denseLayerCount
      ? feedForwardSpecs(layerName(layer, 'mlp.'), D, model.denseWidth)
      : mixtureSpecs(model, layer)),
  ]);
  return [
    { name: embeddingName, shape: [V, D], role: 'embedding', activeShare: 1 },
    ...layers.flat(),
    { name: finalNormName, shape: [D], role: 'gain', start: 1, activeShare: 1 },
    ...(model.tiedEmbeddings
      ? []
      : [{ name: headName, shape: [V, D], role: 'head', activeShare: 1 } as const]),
  ];
}

/** Name of the matrix that turns hidden states into logits. */
export const outputName = ({ tiedEmbeddings }: Model): string =>
  tiedEmbeddings ? embeddingName : headName;

const matrix = (name: string, rows: number, columns: number): ParameterSpec => ({
  name,
  shape: [rows, columns],
  role: 'matrix',
  activeShare: 1,
});

/** Matrices of one shape under one name. */
const stacked = (prefix: string, name: string, parts: readonly string[], shape: [number, number]) =>
  ({
    ...matrix(`${prefix}${name}.weight`, ...shape),
    shape: [parts.length, ...shape],
    stack: parts.map((part) => `${prefix}${part}.weight`),
  }) as const;

/** A layer that uses another's keys has none of its own, but norms them itself where the norm comes last. */
function attentionSpecs(model: Model, layer: number): ParameterSpec[] {
  const { width: D, headCount, kvHeadCount, headWidth: C, qkNorm, attentionGate } = model;
  const isOwner = kvOwner(model, layer) === layer;
  const at = (name: string) => layerName(layer, `self_attn.${name}.weight`);
  const gain = (name: string) =>
    ({ name: at(name), shape: [C], role: 'gain', start: 1, activeShare: 1 }) as const;
  const pair = (name: string, parts: readonly string[], heads: number) =>
    stacked(layerName(layer, 'self_attn.'), name, parts, [heads * C, D]);
  return [
    attentionGate
      ? pair('q_gate_proj', ['q_proj', 'gate_proj'], headCount)
      : matrix(at('q_proj'), headCount * C, D),
    ...(isOwner ? [pair('k_v_proj', ['k_proj', 'v_proj'], kvHeadCount)] : []),
    matrix(at('o_proj'), D, headCount * C),
    ...(qkNorm === 'none' ? [] : [gain('q_norm')]),
    ...(qkNorm === 'after' || (qkNorm === 'before' && isOwner) ? [gain('k_norm')] : []),
  ];
}

/** One norm before each half of a block, with sandwich norm another one behind it. Trinity, eq. 33–35. */
function normSpecs(
  { width: D, layerCount, sandwichNorm, depthScaledGain }: Model,
  layer: number,
): ParameterSpec[] {
  const gain = (name: string, start: number): ParameterSpec => ({
    name: layerName(layer, `${name}.weight`),
    shape: [D],
    role: 'gain',
    start,
    activeShare: 1,
  });
  if (!sandwichNorm) return [gain('input_layernorm', 1), gain('pre_mlp_layernorm', 1)];
  const outer = depthScaledGain ? 1 / Math.sqrt(layerCount) : 1;
  return [
    gain('input_layernorm', 1),
    gain('post_attention_layernorm', outer),
    gain('pre_mlp_layernorm', 1),
    gain('post_mlp_layernorm', outer),
  ];
}

const feedForwardSpecs = (prefix: string, D: number, F: number): ParameterSpec[] => [
  stacked(prefix, 'gate_up_proj', ['gate_proj', 'up_proj'], [F, D]),
  matrix(`${prefix}down_proj.weight`, D, F),
];

function mixtureSpecs(model: Model, layer: number): ParameterSpec[] {
  const { width: D, expertCount: E, expertWidth: F, expertsPerToken: K, sharedExpertCount } = model;
  const at = (name: string) => layerName(layer, `mlp.${name}`);
  const experts = feedForwardSpecs(at('experts.'), D, F).map((spec) => ({
    ...spec,
    role: 'expert' as const,
    shape: [E, ...spec.shape],
    activeShare: K / E,
  }));
  const shared =
    sharedExpertCount > 0 ? feedForwardSpecs(at('shared_experts.'), D, sharedExpertCount * F) : [];
  return [{ ...matrix(at('router.gate.weight'), E, D), role: 'router' }, ...shared, ...experts];
}

export const elementCount = ({ shape }: ParameterSpec): number => shape.reduce((a, b) => a * b, 1);

/** Trained weights in all, and those that one token touches (embedding and head both counted in full). */
export function countParameters(model: Model): { total: number; active: number } {
  let total = 0;
  let active = 0;
  for (const spec of parameterSpecs(model)) {
    total += elementCount(spec);
    active += elementCount(spec) * spec.activeShare;
  }
  return { total, active: Math.round(active) };
}

/** Standard deviation of every initial matrix: 0.5 / sqrt(D) in the report. Trinity, eq. 37–38. */
export const initialSigma = ({ initScale, width }: Model): number => initScale / Math.sqrt(width);
