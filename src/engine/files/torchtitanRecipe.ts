/**
 * @file The hyper-parameters of a run as a configuration of torchtitan: a Python function that starts from the mixture
 * recipe of its transformers backend (torchtitan/experiments/transformers_modeling_backend/config_registry.py) and sets
 * what the lab has set. github.com/pytorch/torchtitan, torchtitan/config/README.md.
 */
import { microBatchesAt } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';

export const RECIPE_MODULE = 'trinity_lab_run';
export const RECIPE_FILE = `${RECIPE_MODULE}.py`;
export const RECIPE_FUNCTION = 'continue_run';

/** Steps beyond the last of the schedule, where it has no end. */
const OPEN_END = 1000;

/** @param step finished steps of the run. */
export function torchtitanRecipe(settings: Settings, step: number): string {
  const { data, optimizer, run } = settings;
  const { warmup, decay, total } = schedule(settings, step);
  const tokens = microBatchesAt(step, settings.schedule) * data.batchSequences * data.contextLength;
  return `"""Goes on with a run of Trinity Lab from step ${step}. Start it as README.md says."""
import os

from torchtitan.components.optimizer import default_adamw
from torchtitan.experiments.transformers_modeling_backend.config_registry import (
    transformers_modeling_backend_full_moe,
)

FOLDER = os.path.dirname(os.path.abspath(__file__))
NGPU = int(os.environ.get("WORLD_SIZE", os.environ.get("NGPU", "8")))
# Groups of SHARD processes share the weights, each group a whole copy (HSDP); EXPERTS of them share the experts.
SHARD = int(os.environ.get("SHARD", str(NGPU)))
EXPERTS = int(os.environ.get("EXPERTS", "1"))


def ${RECIPE_FUNCTION}():
    config = transformers_modeling_backend_full_moe(seq_len=${data.contextLength})
    config.hf_model = FOLDER
    config.hf_assets_path = FOLDER
    config.optimizer = default_adamw(
        lr=${optimizer.adamwLearningRate},
        betas=(${optimizer.adamwBeta1}, ${optimizer.adamwBeta2}),
        eps=${optimizer.adamwEps},
        weight_decay=${optimizer.adamwWeightDecay},
    )
    config.lr_scheduler.warmup_steps = ${warmup}
    config.lr_scheduler.decay_ratio = ${decay.ratio}
    config.lr_scheduler.decay_type = "${decay.type}"
    config.lr_scheduler.min_lr_factor = ${decay.least}
    config.training.steps = ${total}
    config.training.max_context_length = ${data.contextLength}
    config.training.num_tokens_per_microbatch_per_dp_rank = ${data.batchSequences * data.contextLength}
    config.training.num_tokens_per_train_step = NGPU * ${tokens}
    config.training.max_norm = ${clip(optimizer.gradientClip)}
    config.parallelism.data_parallel_replicate_degree = NGPU // SHARD
    config.parallelism.data_parallel_shard_degree = SHARD
    config.parallelism.expert_parallel_degree = EXPERTS
    config.checkpoint.enable = True
    config.checkpoint.initial_load_path = FOLDER
    config.checkpoint.initial_load_in_hf = True
    config.checkpoint.initial_load_model_only = True
    config.debug.seed = ${run.seed}
    return config
`;
}

/** No clipping is a limit that nothing reaches. */
const clip = (limit: number): string => (limit > 0 ? String(limit) : 'float("inf")');

/** What is left of the schedule. torchtitan counts its steps from where it starts, and has one decay at the end. */
function schedule({ schedule: s }: Settings, step: number) {
  const hasDecay = s.decay !== 'none' && step < s.totalSteps;
  const total = hasDecay ? s.totalSteps - step : OPEN_END;
  const decaySteps = hasDecay ? s.totalSteps - Math.max(step, s.decayStart) : 0;
  return {
    warmup: Math.max(0, s.warmupSteps - step),
    total,
    decay: {
      ratio: decaySteps / total,
      type: s.decay === 'cosine' ? 'cosine' : 'linear',
      least: hasDecay ? s.finalRatio : 1,
    },
  };
}
