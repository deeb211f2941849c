/** @file Gates in plain float64. */
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export const sigmoidGate = (x: Float64Array, gate: Float64Array): Float64Array =>
  x.map((value, i) => value * sigmoid(gate[i]!));

export const swiglu = (gate: Float64Array, up: Float64Array): Float64Array =>
  gate.map((value, i) => value * sigmoid(value) * up[i]!);
