/** @file Masked attention in plain float64, with the whole map. */
export interface AttentionShape {
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly G: number;
  readonly C: number;
  readonly window: number;
  readonly masked: boolean;
}

/** Whether the query at t may see the key at u, both absolute rows. */
export function isSeen(
  t: number,
  u: number,
  documents: ArrayLike<number>,
  { S, window, masked }: AttentionShape,
) {
  const isSameSequence = Math.floor(t / S) === Math.floor(u / S);
  return isSameSequence && u <= t && t - u < window && (!masked || documents[t] === documents[u]);
}

/** Softmax weights of one head, [T, T]. */
export function attentionMap(
  q: Float64Array,
  k: Float64Array,
  documents: ArrayLike<number>,
  h: number,
  shape: AttentionShape,
): Float64Array {
  const { T, H, G, C } = shape;
  const g = Math.floor((h * G) / H);
  const map = new Float64Array(T * T);
  for (let t = 0; t < T; t++) {
    let total = 0;
    for (let u = 0; u < T; u++) {
      if (!isSeen(t, u, documents, shape)) continue;
      let score = 0;
      for (let c = 0; c < C; c++) score += q[(t * H + h) * C + c]! * k[(u * G + g) * C + c]!;
      map[t * T + u] = Math.exp(score / Math.sqrt(C));
      total += map[t * T + u]!;
    }
    for (let u = 0; u < T; u++) map[t * T + u]! /= total;
  }
  return map;
}

export function attention(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  documents: ArrayLike<number>,
  shape: AttentionShape,
): Float64Array {
  const { T, H, G, C } = shape;
  const y = new Float64Array(T * H * C);
  for (let h = 0; h < H; h++) {
    const g = Math.floor((h * G) / H);
    const map = attentionMap(q, k, documents, h, shape);
    for (let t = 0; t < T; t++) {
      for (let u = 0; u < T; u++) {
        const weight = map[t * T + u]!;
        if (weight === 0) continue;
        for (let c = 0; c < C; c++) y[(t * H + h) * C + c]! += weight * v[(u * G + g) * C + c]!;
      }
    }
  }
  return y;
}
