/** @file AdamW over a flat range, and Muon over batches of matrices of one shape. */
import { adamw, adamwLive } from '@/engine/ops/adamw';
import { CLIP_LENGTH, gradientNorm, gradientNormLive } from '@/engine/ops/gradientNorm';
import { muon, muonLive, muonRateRules, newtonSchulzLive } from '@/engine/ops/muon';
import { muonCoefficients } from '@/engine/optim/newtonSchulz';
import { type BenchCase, words } from '../benchCase';

const N = 2 ** 20;
/** Factor on the gradient and no halt, as `gradientNorm` would leave them. */
const clip = [1, 1, 0, 0];
const rates = { lr: 1e-3, weightDecay: 0.01 };

const adamwCase: BenchCase = {
  name: 'adamw',
  shape: { N },
  flops: 0,
  // Weights and both moments are read and written, the gradient is read.
  bytes: words(7 * N),
  record(bench) {
    const live = bench.live.block('adamw', adamwLive);
    live.set({ ...rates, beta1: 0.9, beta2: 0.95, eps: 1e-8, correction1: 0.1, correction2: 0.05 });
    adamw(
      bench.tape,
      {
        weights: bench.noise([N]),
        gradients: bench.noise([N]),
        moment1: bench.tensor([N]),
        moment2: bench.tensor([N]),
        clip: bench.tensor([CLIP_LENGTH], 'f32', clip),
      },
      live,
    );
  },
};

const gradientNormCase: BenchCase = {
  name: 'gradient norm',
  shape: { N },
  flops: 2 * N,
  bytes: words(N),
  record(bench) {
    const live = bench.live.block('gradient norm', gradientNormLive);
    live.set({ limit: 1 });
    const tensors = { gradients: [bench.noise([N])], clip: bench.tensor([CLIP_LENGTH]) };
    gradientNorm(bench.tape, tensors, live);
  },
};

const ROUNDS = 5;

/** Operations of one matrix: in each round the Gram matrix, its square, and the product with X. */
function muonFlops(rows: number, columns: number): number {
  const side = Math.min(rows, columns);
  return ROUNDS * (2 * 2 * side * rows * columns + 2 * side ** 3);
}

function muonCase(rows: number, columns: number, count: number): BenchCase {
  const length = rows * columns * count;
  return {
    name: `muon ${count} of ${rows}x${columns}`,
    shape: { rows, columns, count },
    flops: count * muonFlops(rows, columns),
    bytes: words(5 * length),
    record(bench) {
      const moving = bench.live.block('muon', muonLive);
      const rule = { rateRule: muonRateRules.fan, momentum: 0.95, nesterov: 1, eps: 1e-7 };
      moving.set({ ...rates, ...rule });
      const coefficients = bench.live.block('newton-schulz', newtonSchulzLive);
      coefficients.set(muonCoefficients('classic'));
      const matrices = {
        ...{ rows, columns, count, rates: moving },
        weights: bench.noise([length]),
        gradients: bench.noise([length]),
        momentum: bench.tensor([length]),
      };
      const clipped = bench.tensor([CLIP_LENGTH], 'f32', clip);
      muon(bench.tape, [matrices], { clip: clipped, coefficients });
    },
  };
}

export const optimizerCases: readonly BenchCase[] = [
  adamwCase,
  gradientNormCase,
  muonCase(256, 256, 4),
  muonCase(128, 256, 32),
  muonCase(768, 256, 2),
];
