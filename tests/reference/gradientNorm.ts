/** @file The global gradient norm and the factor that clips it, in plain float64. */
export function gradientNorm(
  gradients: readonly ArrayLike<number>[],
  limit: number,
): { norm: number; scale: number } {
  let sum = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) sum += gradient[i]! ** 2;
  }
  const norm = Math.sqrt(sum);
  return { norm, scale: limit === 0 ? 1 : Math.min(1, limit / (norm + 1e-6)) };
}
