/** @file Head, cross-entropy and z-loss in plain float64. */
import { IGNORED } from '@/engine/data/batch';

/** Log-sum-exp, logit of the target, largest and mean logit of every token. */
export function tokenLosses(
  x: Float64Array,
  head: Float64Array,
  targets: ArrayLike<number>,
  { V, D }: { V: number; D: number },
) {
  return Array.from({ length: targets.length }, (_, t) => {
    const logits = Array.from({ length: V }, (_, v) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += x[t * D + d]! * head[v * D + d]!;
      return sum;
    });
    const highest = Math.max(...logits);
    const lse = highest + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - highest), 0));
    const isValid = targets[t] !== IGNORED;
    const mean = logits.reduce((sum, l) => sum + l, 0) / V;
    return { highest, mean, lse, logit: isValid ? logits[targets[t]!]! : 0, isValid };
  });
}

/** Over the valid tokens: mean cross-entropy, mean squared log-sum-exp, largest and mean logit. */
export function losses(tokens: ReturnType<typeof tokenLosses>) {
  const valid = tokens.filter((t) => t.isValid);
  const mean = (f: (t: (typeof valid)[number]) => number) =>
    valid.reduce((sum, t) => sum + f(t), 0) / valid.length;
  return {
    crossEntropy: mean((t) => t.lse - t.logit),
    squaredLse: mean((t) => t.lse ** 2),
    maxLogit: Math.max(...valid.map((t) => t.highest)),
    meanLogit: mean((t) => t.mean),
  };
}
