/** @file One optimizer step of a whole model in plain float64, weight by weight, told apart by their names. */
import type { Settings } from '@/engine/config/settings';
import { adamw } from './adamw';
import { muon } from './muon';

export interface ReferenceWeight {
  readonly shape: readonly number[];
  readonly weights: Float64Array;
  /** AdamW's first moment or Muon's momentum. */
  readonly moment1: Float64Array;
  /** Of AdamW. */
  readonly moment2: Float64Array;
}

type Kind = 'gain' | 'embedding' | 'router' | 'expert' | 'matrix';

function kindOf(name: string, shape: readonly number[]): Kind {
  if (shape.length === 1) return 'gain';
  if (name === 'model.embed_tokens.weight' || name === 'lm_head.weight') return 'embedding';
  if (name.endsWith('.mlp.router.gate.weight')) return 'router';
  return name.includes('.mlp.experts.') ? 'expert' : 'matrix';
}

/** The five rounds of each choice, and what the norm is multiplied by before them. */
const iterations: Readonly<
  Record<Settings['optimizer']['newtonSchulz'], { triples: number[][]; margin: number }>
> = {
  classic: { triples: new Array(5).fill([3.4445, -4.775, 2.0315]), margin: 1 },
  dion: {
    triples: [
      [4.0848, -6.8946, 2.927],
      [3.9505, -6.3029, 2.6377],
      [3.7418, -5.5913, 2.3037],
      [2.8769, -3.1427, 1.2046],
      [2.8366, -3.0525, 1.2012],
    ],
    margin: 1,
  },
  polarExpress: {
    triples: [
      [8.156554524902461, -22.48329292557795, 15.878769915207462],
      [4.042929935166739, -2.808917465908714, 0.5000178451051316],
      [3.8916678022926607, -2.772484153217685, 0.5060648178503393],
      [3.285753657755655, -2.3681294933425376, 0.46449024233003106],
      [2.3465413258596377, -1.7097828382687081, 0.42323551169305323],
    ],
    margin: 1.02,
  },
};

/** min(1, limit / (norm + 1e-6)) of the norm over all gradients. */
function clipScale(gradients: ReadonlyMap<string, Float64Array>, limit: number): number {
  let sum = 0;
  for (const values of gradients.values()) for (const value of values) sum += value * value;
  return limit === 0 ? 1 : Math.min(1, limit / (Math.sqrt(sum) + 1e-6));
}

/** Hunyuan-Large, 2.2.4: the rate at the batch of one expert against that at the batch of `tokens`. */
function expertFactor({ optimizer, model }: Settings, tokens: number): number {
  if (optimizer.expertRate === 'same') return 1;
  if (optimizer.expertRate === 'fixed') return optimizer.expertRateFactor;
  const x = tokens / optimizer.noiseBatch;
  const share = model.expertsPerToken / model.expertCount;
  return (Math.sqrt(share) * (1 + x)) / (1 + x * share);
}

export interface ReferenceStep {
  /** 0-based. */
  readonly step: number;
  /** Of the schedule. */
  readonly factor: number;
  /** Tokens of the step. */
  readonly tokens: number;
}

/** Changes `all` as one step does. @param gradients before clipping, by name. */
export function update(
  all: ReadonlyMap<string, ReferenceWeight>,
  gradients: ReadonlyMap<string, Float64Array>,
  settings: Settings,
  { step, factor, tokens }: ReferenceStep,
): void {
  const { optimizer } = settings;
  const scale = clipScale(gradients, optimizer.gradientClip);
  for (const [name, weight] of all) {
    const kind = kindOf(name, weight.shape);
    const byMuon =
      optimizer.hidden === 'muon' &&
      (kind === 'matrix' ||
        kind === 'expert' ||
        (kind === 'router' && optimizer.routerOptimizer === 'muon'));
    const share = factor * (kind === 'expert' ? expertFactor(settings, tokens) : 1);
    if (byMuon) muonUpdate(weight, gradients.get(name)!, scale, share, optimizer);
    else {
      const decays = { gain: optimizer.normWeightDecay, embedding: optimizer.embeddingWeightDecay };
      const rates = {
        lr: optimizer.adamwLearningRate * share,
        beta1: optimizer.adamwBeta1,
        beta2: optimizer.adamwBeta2,
        eps: optimizer.adamwEps,
        weightDecay:
          kind === 'gain' || kind === 'embedding' ? decays[kind] : optimizer.adamwWeightDecay,
      };
      adamw(weight, gradients.get(name)!, scale, rates, step);
    }
  }
}

function muonUpdate(
  { shape, weights, moment1 }: ReferenceWeight,
  gradients: Float64Array,
  scale: number,
  share: number,
  optimizer: Settings['optimizer'],
): void {
  const { triples, margin } = iterations[optimizer.newtonSchulz];
  const inner = triples.map(([a, b, c], round) =>
    round > 0 ? [a!, b!, c!] : [a! / margin, b! / margin ** 3, c! / margin ** 5],
  );
  const rates = {
    lr: optimizer.muonLearningRate * share,
    rule: optimizer.muonRateRule,
    momentum: optimizer.muonMomentum,
    nesterov: optimizer.muonNesterov,
    weightDecay: optimizer.muonWeightDecay,
    eps: optimizer.muonEps,
  };
  const [rows, columns] = shape.slice(-2) as [number, number];
  muon(weights, gradients, moment1, [rows, columns], scale, rates, inner);
}
