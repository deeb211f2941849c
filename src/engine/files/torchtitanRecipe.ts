/**
 * @file The hyper-parameters of a run as a configuration of torchtitan: a Python function that starts from the mixture
 * recipe of its transformers backend (torchtitan/experiments/transformers_modeling_backend/config_registry.py) and sets
 * what the lab has set. github.com/pytorch/torchtitan, torchtitan/config/README.md.
 */
import { microBatchesAt } from '@/engine/config/growth';
import { annealed } from '@/engine/config/learningRate';
import type { Settings } from '@/engine/config/settings';
import { roundedRate, type ScheduleAhead, scheduleAhead } from './scheduleAhead';

export const RECIPE_MODULE = 'trinity_lab_run';
export const RECIPE_FILE = `${RECIPE_MODULE}.py`;
export const RECIPE_FUNCTION = 'continue_run';

/** @param step finished steps of the run. */
export function torchtitanRecipe(settings: Settings, step: number): string {
  const { data, optimizer, run } = settings;
  const ahead = scheduleAhead(settings.schedule, step);
  const { level, ratio, shape, least } = decayAtEnd(ahead);
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
        lr=${roundedRate(optimizer.adamwLearningRate * level)},
        betas=(${optimizer.adamwBeta1}, ${optimizer.adamwBeta2}),
        eps=${optimizer.adamwEps},
        weight_decay=${optimizer.adamwWeightDecay},
    )
    config.lr_scheduler.warmup_steps = ${ahead.warmupSteps}
    config.lr_scheduler.decay_ratio = ${ratio}
    config.lr_scheduler.decay_type = "${shape}"
    config.lr_scheduler.min_lr_factor = ${least}
    config.training.steps = ${ahead.steps}
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

/** torchtitan has one decay, at the end: one that has begun goes on from where it stands. */
function decayAtEnd({ steps, level, decay }: ScheduleAhead) {
  if (!decay) return { level, ratio: 0, shape: 'linear', least: 1 };
  const { shape, startsIn, to } = decay;
  const now =
    startsIn < 0
      ? annealed(-startsIn, { shape, start: 0, end: decay.steps, from: level, to })
      : level;
  const left = Math.min(steps, steps - startsIn);
  return { level: now, ratio: left / steps, shape, least: roundedRate(to / now) };
}
