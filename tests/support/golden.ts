/** @file Reads a golden folder: a small model, three batches, and what PyTorch in float64 made of them. */
import { readFileSync } from 'node:fs';
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import { defaultSettings, type Settings } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import { readSafetensors, toFloat32 } from '@/engine/files/safetensors';

const folder = new URL('../goldens/', import.meta.url);

interface GoldenStep {
  readonly loss: Readonly<Record<string, number>>;
  readonly grad_norm: number;
  readonly clip_scale: number;
  readonly lr: { readonly muon: number; readonly adamw: number };
  readonly max_vio: Readonly<Record<string, number>>;
  readonly expert_counts: Readonly<Record<string, readonly number[]>>;
}

export interface Golden {
  readonly settings: Settings;
  readonly batches: readonly Batch[];
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly expected: ReadonlyMap<string, Float32Array>;
  readonly steps: readonly GoldenStep[];
}

export function readGolden(name: string): Golden {
  const file = (path: string) => new URL(`${name}/${path}`, folder);
  const json = (path: string) => JSON.parse(readFileSync(file(path), 'utf8'));
  const tensors = (path: string) =>
    new Map(
      [...readSafetensors(readFileSync(file(path)))].map(([key, tensor]) => [
        key,
        toFloat32(tensor),
      ]),
    );
  const batches = json('batch.json').steps.map(batchOf) as Batch[];
  const [first] = json('batch.json').steps;
  return {
    settings: settingsOf(json('config.json'), json('train.json'), first.tokens),
    batches,
    weights: tensors('model.safetensors'),
    expected: tensors('expected.safetensors'),
    steps: json('expected.json').steps,
  };
}

interface GoldenBatch {
  readonly tokens: number[][];
  readonly targets: number[][];
  readonly doc_ids: number[][];
}

function batchOf({ tokens, targets, doc_ids }: GoldenBatch): Batch {
  return {
    tokens: Uint32Array.from(tokens.flat()),
    targets: Uint32Array.from(targets.flat(), (t) => (t === -100 ? IGNORED : t)),
    documents: Uint32Array.from(doc_ids.flat()),
    domains: new Uint32Array(tokens.flat().length),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: train.json is untyped JSON of our own making
function settingsOf(config: Record<string, unknown>, train: any, tokens: number[][]): Settings {
  const { muon, adamw, schedule, balance, loss } = train;
  return {
    ...defaultSettings,
    model: modelFromHuggingFace(config),
    data: {
      ...defaultSettings.data,
      batchSequences: tokens.length,
      contextLength: tokens[0]!.length,
      intraDocumentMask: train.intra_document_mask,
    },
    optimizer: {
      ...defaultSettings.optimizer,
      hidden: train.optimizer === 'adamw' ? 'adamw' : 'muon',
      adamwLearningRate: adamw.lr,
      ...(muon
        ? {
            muonLearningRate: muon.lr,
            muonMomentum: muon.momentum,
            muonNesterov: muon.nesterov,
            muonWeightDecay: muon.weight_decay,
            muonEps: muon.ns_eps,
            newtonSchulz: muon.ns_coefficients,
            routerOptimizer: train.router_optimizer,
          }
        : {}),
      expertRate: 'fixed',
      expertRateFactor: train.expert_lr_multiplier,
      adamwBeta1: adamw.betas[0],
      adamwBeta2: adamw.betas[1],
      adamwEps: adamw.eps,
      adamwWeightDecay: adamw.weight_decay,
      embeddingWeightDecay: adamw.weight_decay,
      normWeightDecay: adamw.norm_weight_decay,
      gradientClip: train.grad_clip ?? 0,
    },
    schedule: {
      ...defaultSettings.schedule,
      warmupSteps: schedule.warmup_steps,
      decay: schedule.decay,
      decayStart: schedule.decay_start,
      totalSteps: schedule.total_steps,
      finalRatio: schedule.final_ratio,
    },
    balance: {
      ...defaultSettings.balance,
      kind: balance.rule,
      ...(balance.gamma ? { gamma: balance.gamma, recentre: balance.recentre } : {}),
      ...(balance.lambda
        ? { lambda: balance.lambda, beta: balance.beta, kappa: balance.kappa }
        : {}),
    },
    loss: { zWeight: loss.z, sequenceBalance: loss.seq_aux, switchBalance: loss.switch_aux },
  };
}
