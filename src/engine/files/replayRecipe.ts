/**
 * @file The hyper-parameters of a replay: a `train.json`, whose names are those of the reference program in
 * tests/oracle, and the rows of the settings table that they are. Ranges are wider than the table's: these values
 * come from no form.
 */
import * as v from 'valibot';
import { ConfigError } from '@/engine/config/experiment';
import { defaultSettings, type Settings } from '@/engine/config/settings';

const Finite = v.pipe(v.number(), v.finite());
const Weight = v.pipe(Finite, v.minValue(0));
const Count = v.pipe(Finite, v.integer(), v.minValue(0));
/** Share of a moment that is kept. */
const Kept = v.pipe(Finite, v.minValue(0), v.ltValue(1));

const Muon = v.object({
  lr: Weight,
  momentum: Kept,
  nesterov: v.boolean(),
  ns_coefficients: v.picklist(['classic', 'dion']),
  ns_eps: Weight,
  weight_decay: Weight,
});

const Adamw = v.object({
  lr: Weight,
  betas: v.tuple([Kept, Kept]),
  eps: Weight,
  weight_decay: Weight,
  norm_weight_decay: Weight,
});

const Balance = v.variant('rule', [
  v.object({ rule: v.literal('none') }),
  v.object({ rule: v.literal('sign'), gamma: Finite, recentre: v.nullish(v.boolean(), true) }),
  v.object({ rule: v.literal('smebu'), lambda: Finite, beta: Kept, kappa: Finite }),
]);

const Schedule = v.object({
  warmup_steps: Count,
  decay_start: Count,
  total_steps: Count,
  decay: v.picklist(['none', 'linear', 'cosine']),
  final_ratio: Weight,
});

const Recipe = v.object({
  optimizer: v.picklist(['muon+adamw', 'adamw']),
  muon: v.nullish(Muon),
  adamw: Adamw,
  router_optimizer: v.nullish(v.picklist(['muon', 'adamw']), 'muon'),
  expert_lr_multiplier: v.nullish(Weight, 1),
  grad_clip: v.nullish(v.pipe(Finite, v.gtValue(0))),
  balance: Balance,
  loss: v.object({
    z: v.nullish(Weight, 0),
    seq_aux: v.nullish(Weight, 0),
    switch_aux: v.nullish(Weight, 0),
  }),
  schedule: Schedule,
  intra_document_mask: v.nullish(v.boolean(), false),
  steps: v.nullish(v.pipe(Count, v.minValue(1))),
});

/** The content of `train.json`. */
export type ReplayRecipe = v.InferOutput<typeof Recipe>;

/** @throws {ConfigError} naming the first entry that cannot be. */
export function replayRecipe(json: unknown): ReplayRecipe {
  const { success, output, issues } = v.safeParse(Recipe, json);
  if (!success) {
    const path = v.getDotPath(issues[0]);
    throw new ConfigError(`train.json${path ? `, ${path}` : ''}: ${issues[0].message}`);
  }
  if (output.optimizer === 'muon+adamw' && !output.muon) {
    throw new ConfigError('train.json, muon: want its settings, since optimizer is muon+adamw');
  }
  return output;
}

/** What a batch of the replay measures. */
export interface ReplayShape {
  readonly sequences: number;
  readonly length: number;
}

/** The settings table's rows of what the three say; every other row has its default. */
export function replaySettings(
  model: Settings['model'],
  recipe: ReplayRecipe,
  { sequences, length }: ReplayShape,
): Settings {
  const { loss, schedule } = recipe;
  return {
    ...defaultSettings,
    model,
    data: {
      ...defaultSettings.data,
      batchSequences: sequences,
      contextLength: length,
      intraDocumentMask: recipe.intra_document_mask,
    },
    optimizer: optimizerRows(recipe),
    schedule: {
      ...defaultSettings.schedule,
      warmupSteps: schedule.warmup_steps,
      decay: schedule.decay,
      decayStart: schedule.decay_start,
      totalSteps: schedule.total_steps,
      finalRatio: schedule.final_ratio,
    },
    balance: balanceRows(model, recipe),
    loss: { zWeight: loss.z, sequenceBalance: loss.seq_aux, switchBalance: loss.switch_aux },
  };
}

function optimizerRows({ muon, adamw, ...recipe }: ReplayRecipe): Settings['optimizer'] {
  const hidden = recipe.optimizer === 'adamw' ? 'adamw' : 'muon';
  const muonRows = muon && {
    muonLearningRate: muon.lr,
    muonMomentum: muon.momentum,
    muonNesterov: muon.nesterov,
    muonWeightDecay: muon.weight_decay,
    muonEps: muon.ns_eps,
    newtonSchulz: muon.ns_coefficients,
  };
  return {
    ...defaultSettings.optimizer,
    ...muonRows,
    hidden,
    muonRateRule: 'fan',
    routerOptimizer: recipe.router_optimizer,
    adamwLearningRate: adamw.lr,
    adamwBeta1: adamw.betas[0],
    adamwBeta2: adamw.betas[1],
    adamwEps: adamw.eps,
    adamwWeightDecay: adamw.weight_decay,
    embeddingWeightDecay: adamw.weight_decay,
    normWeightDecay: adamw.norm_weight_decay,
    expertRate: 'fixed',
    expertRateFactor: recipe.expert_lr_multiplier,
    gradientClip: recipe.grad_clip ?? 0,
  };
}

/** Hunyuan-Large has no selection biases: no rule moves them. */
function balanceRows(
  { family }: Settings['model'],
  { balance }: ReplayRecipe,
): Settings['balance'] {
  const { rule, ...values } = balance;
  return { ...defaultSettings.balance, ...values, kind: family === 'hunyuan' ? 'none' : rule };
}
