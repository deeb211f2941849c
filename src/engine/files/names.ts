/**
 * @file What each family calls the weights in its checkpoints. Inside the engine a weight has one name whatever the
 * family (engine/model/parameters.ts: those of afmoe).
 */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';

type Model = Settings['model'];

/** Parts of a name that a family spells otherwise: ours, then its own. */
const spellings: Readonly<Record<Model['family'], readonly (readonly [string, string])[]>> = {
  trinity: [],
  hunyuan: [
    ['.self_attn.q_norm.', '.self_attn.query_layernorm.'],
    ['.self_attn.k_norm.', '.self_attn.key_layernorm.'],
    ['.mlp.router.gate.', '.mlp.gate.wg.'],
    ['.mlp.shared_experts.', '.mlp.shared_mlp.'],
  ],
  dots: [['.mlp.router.gate.', '.mlp.gate.']],
};

/** Checkpoint name of the weight that the engine calls `name`. */
export function checkpointName({ family, sandwichNorm }: Model, name: string): string {
  let own = name;
  for (const [ours, theirs] of spellings[family]) own = own.replace(ours, theirs);
  // Without norms behind the halves of a block, the norm before the second half is named after what it follows.
  return sandwichNorm ? own : own.replace('.pre_mlp_layernorm.', '.post_attention_layernorm.');
}

/**
 * Name of the selection bias of each mixture layer, in the order of the rows of `bias_LE`. Hunyuan-Large has none:
 * there the name is Trinity's, and stands in a checkpoint only where a balancer has moved a bias.
 */
export const biasNames = (model: Model): string[] =>
  mixtureLayers(model).map((layer) => {
    const name = model.family === 'dots' ? 'gate.e_score_correction_bias' : 'expert_bias';
    return `model.layers.${layer}.mlp.${name}`;
  });

/** Whether the family's own code expects selection biases in a checkpoint. */
export const hasBiases = ({ family }: Model): boolean => family !== 'hunyuan';
