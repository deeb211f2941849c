/** @file AdamW in plain float64. Changes its arguments, as the kernel does. */
export interface AdamwState {
  readonly weights: Float64Array;
  readonly moment1: Float64Array;
  readonly moment2: Float64Array;
}

export interface AdamwRates {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** @param step 0-based. */
export function adamw(
  { weights, moment1, moment2 }: AdamwState,
  gradients: Float64Array,
  clipScale: number,
  { lr, beta1, beta2, eps, weightDecay }: AdamwRates,
  step: number,
): void {
  for (let i = 0; i < weights.length; i++) {
    const g = clipScale * gradients[i]!;
    moment1[i] = beta1 * moment1[i]! + (1 - beta1) * g;
    moment2[i] = beta2 * moment2[i]! + (1 - beta2) * g * g;
    const m = moment1[i]! / (1 - beta1 ** (step + 1));
    const v = moment2[i]! / (1 - beta2 ** (step + 1));
    weights[i] = weights[i]! * (1 - lr * weightDecay) - (lr * m) / (Math.sqrt(v) + eps);
  }
}
