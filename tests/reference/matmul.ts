/** @file Batched matrix products in plain float64. */
export interface Product {
  readonly form: 'nt' | 'nn' | 'tn';
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

export function matmul(
  a: Float64Array,
  b: Float64Array,
  { form, batch, M, N, K }: Product,
): Float64Array {
  const c = new Float64Array(batch * M * N);
  for (let z = 0; z < batch; z++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) {
          const left = form === 'tn' ? k * M + m : m * K + k;
          const right = form === 'nt' ? n * K + k : k * N + n;
          sum += a[z * M * K + left]! * b[z * N * K + right]!;
        }
        c[(z * M + m) * N + n] = sum;
      }
    }
  }
  return c;
}
