/** @file The bias rules of one layer in plain float64; they return new arrays. */
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Trinity, eq. 19-22; eq. 22, the centring, by choice. */
export function signRule(
  counts: readonly number[],
  bias: readonly number[],
  gamma: number,
  isCentred = true,
): number[] {
  const target = mean(counts);
  const moved = bias.map((b, e) => b + gamma * Math.sign(target - counts[e]!));
  const centre = isCentred ? mean(moved) : 0;
  return moved.map((b) => b - centre);
}

export interface SmebuConstants {
  readonly lambda: number;
  readonly beta: number;
  readonly kappa: number;
}

/** Trinity, eq. 23-28. A layer without tokens asks for nothing. */
export function smebu(
  counts: readonly number[],
  bias: readonly number[],
  momentum: readonly number[],
  { lambda, beta, kappa }: SmebuConstants,
): { bias: number[]; momentum: number[] } {
  const target = mean(counts);
  const wanted = counts.map((n) =>
    target === 0 ? 0 : lambda * Math.tanh((kappa * (target - n)) / target),
  );
  const centre = mean(wanted);
  const next = momentum.map((m, e) => beta * m + (1 - beta) * (wanted[e]! - centre));
  return { bias: bias.map((b, e) => b + next[e]!), momentum: next };
}
