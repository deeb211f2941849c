/** @file The coefficients of Muon's five Newton-Schulz rounds, X = a X + b (X X^T) X + c (X X^T)^2 X. */
import type { Settings } from '@/engine/config/settings';
import type { newtonSchulzLive } from '@/engine/ops/muon';

type NewtonSchulzKind = Settings['optimizer']['newtonSchulz'];
type Triple = readonly [a: number, b: number, c: number];

const classicTriple: Triple = [3.4445, -4.775, 2.0315];

/** How far beyond its norm a matrix may be stretched by rounding before Polar Express diverges. */
const POLAR_EXPRESS_MARGIN = 1.02;

/** The polynomial of `triple` for X / margin, as one for X. */
const forSmaller = ([a, b, c]: Triple, margin: number): Triple => [
  a / margin,
  b / margin ** 3,
  c / margin ** 5,
];

/**
 * classic: Jordan et al. 2024, kellerjordan.github.io/posts/muon. dion: the earlier list of microsoft/dion.
 *
 * polarExpress: the minimax polynomials of arXiv:2505.16932 as computed for five rounds with a margin of 1.02
 * and a cushion of 2: what microsoft/dion now defaults to (`benchmark/polar_express.py` there) and modded-nanogpt
 * runs. The published triples hold the margin in every round but the last; the method also divides X by 1.02
 * times its norm, which the first triple does here. (The paper's own listing is another one, for more rounds,
 * with a margin of 1.01.) Singular values from 0.01 to 1 end between 0.85 and 1.15.
 */
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
    forSmaller([8.156554524902461, -22.48329292557795, 15.878769915207462], POLAR_EXPRESS_MARGIN),
    [4.042929935166739, -2.808917465908714, 0.5000178451051316],
    [3.8916678022926607, -2.772484153217685, 0.5060648178503393],
    [3.285753657755655, -2.3681294933425376, 0.46449024233003106],
    [2.3465413258596377, -1.7097828382687081, 0.42323551169305323],
  ],
};

/** Values of the live block `newtonSchulzLive`, one triple a round. */
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
