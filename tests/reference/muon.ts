/** @file Muon in plain float64, one matrix at a time. Changes weights and momentum, as the kernel does. */
/** Factor on the rate of a matrix of rows x columns. */
const rateScales = {
  fan: (rows: number, columns: number) => Math.sqrt(Math.max(1, rows / columns)),
  spectral: (rows: number, columns: number) => Math.sqrt(rows / columns),
  rms: (rows: number, columns: number) => 0.2 * Math.sqrt(Math.max(rows, columns)),
} as const;
export type RateRule = keyof typeof rateScales;

export interface MuonRates {
  readonly lr: number;
  readonly rule: RateRule;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly eps: number;
}

/** Rows of numbers. */
type Matrix = number[][];

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, n) => row.reduce((sum, value, k) => sum + value * b[k]![n]!, 0)));

const transposed = (a: Matrix): Matrix => a[0]!.map((_, n) => a.map((row) => row[n]!));

/** Brings the singular values of `u` near 1. @param triples one (a, b, c) a round. */
export function newtonSchulz(
  u: Matrix,
  triples: readonly (readonly number[])[],
  eps: number,
): Matrix {
  const norm = Math.sqrt(u.flat().reduce((sum, value) => sum + value * value, 0));
  const isTall = u.length > u[0]!.length;
  let x = u.map((row) => row.map((value) => value / (norm + eps)));
  if (isTall) x = transposed(x);
  for (const [a, b, c] of triples) {
    const gram = product(x, transposed(x));
    const square = product(gram, gram);
    const factor = gram.map((row, i) => row.map((value, j) => b! * value + c! * square[i]![j]!));
    const moved = product(factor, x);
    x = x.map((row, i) => row.map((value, j) => a! * value + moved[i]![j]!));
  }
  return isTall ? transposed(x) : x;
}

/** `weights`, `gradients` and `momentum` hold matrices of rows x columns, one behind the other. */
export function muon(
  weights: Float64Array,
  gradients: Float64Array,
  momentum: Float64Array,
  [rows, columns]: readonly [number, number],
  clipScale: number,
  rates: MuonRates,
  triples: readonly (readonly number[])[],
): void {
  const scale = rateScales[rates.rule](rows, columns);
  for (let start = 0; start < weights.length; start += rows * columns) {
    const u: Matrix = [];
    for (let r = 0; r < rows; r++) {
      const row: number[] = [];
      for (let c = 0; c < columns; c++) {
        const i = start + r * columns + c;
        const g = clipScale * gradients[i]!;
        momentum[i] = rates.momentum * momentum[i]! + g;
        row.push(rates.nesterov ? g + rates.momentum * momentum[i]! : momentum[i]!);
      }
      u.push(row);
    }
    const direction = newtonSchulz(u, triples, rates.eps).flat();
    direction.forEach((value, k) => {
      const decayed = weights[start + k]! * (1 - rates.lr * rates.weightDecay);
      weights[start + k] = decayed - rates.lr * scale * value;
    });
  }
}
