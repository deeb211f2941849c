/** @file What the optimizer's numbers are at a step: the learning-rate factor, Adam's bias correction, Muon's coefficients. */
import type { Settings } from '@/engine/config/settings';
import type { newtonSchulzLive } from '@/engine/ops/muon';

/**
 * Factor on every peak rate at the 0-based `step`: (step + 1) / warm-up, then 1, then the decay. Warm-up
 * goes before decay where the two overlap; a decay that ends before it starts is over at once.
 */
export function learningRateFactor(step: number, schedule: Settings['schedule']): number {
  const { warmupSteps, decay, decayStart, totalSteps, finalRatio } = schedule;
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (decay === 'none' || step < decayStart) return 1;
  const progress = step < totalSteps ? (step - decayStart) / (totalSteps - decayStart) : 1;
  return decay === 'linear'
    ? 1 + (finalRatio - 1) * progress
    : finalRatio + ((1 - finalRatio) * (1 + Math.cos(Math.PI * progress))) / 2;
}

/**
 * 1 - beta^(step + 1) at the 0-based `step`: what a moment that started at 0 is divided by. Takes beta as
 * float32 has it, as the kernel does: for beta near 1 the rounding would show.
 */
export const biasCorrection = (beta: number, step: number): number =>
  1 - Math.fround(beta) ** (step + 1);

type NewtonSchulzKind = Settings['optimizer']['newtonSchulz'];
type Triple = readonly [a: number, b: number, c: number];

const classicTriple: Triple = [3.4445, -4.775, 2.0315];
const triples: Readonly<Record<NewtonSchulzKind, readonly Triple[]>> = {
  classic: [classicTriple, classicTriple, classicTriple, classicTriple, classicTriple],
  dion: [
    [4.0848, -6.8946, 2.927],
    [3.9505, -6.3029, 2.6377],
    [3.7418, -5.5913, 2.3037],
    [2.8769, -3.1427, 1.2046],
    [2.8366, -3.0525, 1.2012],
  ],
  polarExpress: [
    [8.28721201814563, -23.595886519098837, 17.300387312530933],
    [4.107059111542203, -2.9478499167379106, 0.5448431082926601],
    [3.9486908534822946, -2.908902115951949, 0.5518191394370137],
    [3.3184196573706015, -2.488488024314874, 0.51004894012372],
    [2.300652019954817, -1.6689039845747493, 0.4188073119525673],
  ],
};

/**
 * Values of the live block `newtonSchulzLive`. classic: Jordan et al. 2024,
 * kellerjordan.github.io/posts/muon; dion: the list of github.com/microsoft/dion, one triple a round.
 */
export function muonCoefficients(
  kind: NewtonSchulzKind,
): Readonly<Record<keyof typeof newtonSchulzLive, number>> {
  const values = triples[kind].flatMap(([a, b, c], round) => [
    [`a${round}`, a] as const,
    [`b${round}`, b] as const,
    [`c${round}`, c] as const,
  ]);
  return Object.fromEntries(values) as Record<keyof typeof newtonSchulzLive, number>;
}
