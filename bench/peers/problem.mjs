/**
 * @file One training problem for every library: shapes, initial weights and tokens, drawn alike from one seed.
 *
 * A dense decoder: embedding, blocks of (RMSNorm, causal attention without positions) and (RMSNorm, SwiGLU), final
 * RMSNorm, a head of its own; mean cross-entropy; Adam with bias correction. Weights are [in, out].
 */

/**
 * V vocabulary, D width, L layers, H heads, F hidden width, S tokens of a sequence, B sequences.
 *
 * @typedef {{ V: number, D: number, L: number, H: number, F: number, S: number, B: number }} Shape
 */

/** Of Adam, and under the root of every norm. */
export const constants = { rate: 1e-3, beta1: 0.9, beta2: 0.95, adamEps: 1e-8, normEps: 1e-5 };

/** Initial matrices are uniform over an interval of this length around 0. */
const SPREAD = 0.08;

/**
 * Every weight in the order in which it is drawn.
 *
 * @param {Shape} shape
 * @returns {Record<string, number[]>}
 */
export function parameterShapes({ V, D, L, F }) {
  /** @type {Record<string, number[]>} */
  const shapes = { embed: [V, D], head: [D, V], norm: [D] };
  for (let layer = 0; layer < L; layer++) {
    for (const name of ['q', 'k', 'v', 'o']) shapes[`${name}${layer}`] = [D, D];
    shapes[`gate${layer}`] = [D, F];
    shapes[`up${layer}`] = [D, F];
    shapes[`down${layer}`] = [F, D];
    shapes[`attentionNorm${layer}`] = [D];
    shapes[`feedForwardNorm${layer}`] = [D];
  }
  return shapes;
}

/** Uniform numbers in [0, 1): the linear congruential generator of Numerical Recipes. @param {number} seed */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Initial weights by name, gains at 1, and the one batch that every step trains on.
 *
 * @param {Shape} shape
 */
export function problem(shape) {
  const random = generator(1);
  const weights = Object.fromEntries(
    Object.entries(parameterShapes(shape)).map(([name, dims]) => [
      name,
      dims.length === 1
        ? new Float32Array(dims[0] ?? 0).fill(1)
        : uniform((dims[0] ?? 0) * (dims[1] ?? 0), random),
    ]),
  );
  const tokens = () =>
    Int32Array.from({ length: shape.B * shape.S }, () => Math.floor(random() * shape.V));
  return { weights, inputs: tokens(), targets: tokens() };
}

/**
 * @param {number} length
 * @param {() => number} random
 */
const uniform = (length, random) => Float32Array.from({ length }, () => (random() - 0.5) * SPREAD);

/**
 * A product to compare: nn is A B, nt is A Bᵀ, tn is Aᵀ B, with C [M, N] and sums of length K.
 *
 * @typedef {{ form: 'nn' | 'nt' | 'tn', M: number, N: number, K: number }} Product
 */

/**
 * The two inputs of a product as they are stored, with their sides.
 *
 * @param {Product} product
 */
export function productInputs({ form, M, N, K }) {
  const random = generator(2);
  return {
    a: uniform(M * K, random),
    aSides: form === 'tn' ? [K, M] : [M, K],
    b: uniform(K * N, random),
    bSides: form === 'nt' ? [N, K] : [K, N],
  };
}
