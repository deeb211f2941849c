/** How many elements are infinite or NaN. */
export const notFinite = (x: Float32Array): number =>
  x.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
