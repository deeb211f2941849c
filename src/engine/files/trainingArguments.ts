/**
 * @file The hyper-parameters of a run as fields of `transformers.TrainingArguments`.
 * huggingface.co/docs/transformers/main_classes/trainer; schedules: transformers/optimization.py.
 */
import { microBatchesAt } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';
import { roundedRate, type ScheduleAhead, scheduleAhead } from './scheduleAhead';

export const ARGUMENTS_FILE = 'training_arguments.json';
/** Where transformers writes what it has trained, beside the script. */
export const OUTPUT_FOLDER = 'continued';

const LOGGING_STEPS = 10;
const SAVE_STEPS = 500;

/** @param step finished steps of the run; the arguments count theirs from there. */
export function trainingArguments(settings: Settings, step: number) {
  const { data, optimizer, run } = settings;
  const ahead = scheduleAhead(settings.schedule, step);
  return {
    output_dir: OUTPUT_FOLDER,
    max_steps: ahead.steps,
    per_device_train_batch_size: data.batchSequences,
    gradient_accumulation_steps: microBatchesAt(step, settings.schedule),
    optim: 'adamw_torch',
    learning_rate: roundedRate(optimizer.adamwLearningRate * ahead.level),
    weight_decay: optimizer.adamwWeightDecay,
    adam_beta1: optimizer.adamwBeta1,
    adam_beta2: optimizer.adamwBeta2,
    adam_epsilon: optimizer.adamwEps,
    max_grad_norm: optimizer.gradientClip,
    ...scheduler(ahead),
    seed: run.seed,
    bf16: false,
    logging_steps: LOGGING_STEPS,
    save_steps: SAVE_STEPS,
  };
}

/** Stable steps below 0 put the start of a decay into the past: its formula only subtracts them. */
function scheduler({ warmupSteps, level, decay }: ScheduleAhead) {
  if (!decay) return { lr_scheduler_type: 'constant_with_warmup', warmup_steps: warmupSteps };
  return {
    lr_scheduler_type: 'warmup_stable_decay',
    warmup_steps: warmupSteps,
    lr_scheduler_kwargs: {
      num_stable_steps: decay.startsIn - warmupSteps,
      num_decay_steps: decay.steps,
      decay_type: decay.shape,
      min_lr_ratio: roundedRate(decay.to / level),
    },
  };
}
