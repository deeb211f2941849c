/**
 * @file MXFP8 in float64, from the list of all E4M3 numbers: OCP Microscaling Formats (MX) v1.0, 5.3 and 6.3.
 * Shares no bit trick with the kernel. And products that round both their inputs along what they sum over.
 */
import { groupedLinear } from './groupedMatmul';
import { matmul, type Product } from './matmul';

/** The finite E4M3 numbers that are not negative, by their seven bits: four of exponent (bias 7), three of fraction. */
export const e4m3Numbers: readonly number[] = Array.from({ length: 127 }, (_, code) => {
  const exponent = code >> 3;
  const fraction = (code & 7) / 8;
  return exponent === 0 ? 2 ** -6 * fraction : 2 ** (exponent - 7) * (1 + fraction);
});

/** Nearest E4M3 number; of two equally near ones that with an even code; the largest beyond the largest. */
export function e4m3(x: number): number {
  const size = Math.abs(x);
  let best = 0;
  e4m3Numbers.forEach((number, code) => {
    const nearer = Math.abs(number - size) - Math.abs(e4m3Numbers[best]! - size);
    if (nearer < 0 || (nearer === 0 && code % 2 === 0)) best = code;
  });
  return Math.sign(x) * e4m3Numbers[best]!;
}

/** Common power of two of a block: the largest not past its largest size, over that of E4M3 (2^8). */
export function blockScale(block: readonly number[]): number {
  const largest = Math.max(...block.map(Math.abs));
  if (!Number.isFinite(largest)) return Number.NaN;
  let scale = 2 ** -127;
  while (scale * 2 ** 9 <= largest) scale *= 2;
  return scale;
}

/** The numbers that are left of one block; the sign of 0 is kept. */
export function mxfp8Block(block: readonly number[]): number[] {
  const scale = blockScale(block);
  return block.map((x) => (Number.isNaN(scale) ? Number.NaN : scale * e4m3(x / scale)));
}

/** [outer, length, inner] in blocks of 32 along `length`. */
export function mxfp8(
  x: Float64Array,
  { outer, length, inner }: { outer: number; length: number; inner: number },
): Float64Array {
  const y = new Float64Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let first = 0; first < length; first += 32) {
        const count = Math.min(32, length - first);
        const at = (j: number) => (o * length + first + j) * inner + i;
        const block = Array.from({ length: count }, (_, j) => x[at(j)]!);
        mxfp8Block(block).forEach((value, j) => {
          y[at(j)] = value;
        });
      }
    }
  }
  return y;
}

/** Sorted rows [R, D] in blocks of 32 rows of one expert; `counts` are the rows of each. */
export function mxfp8Rows(x: Float64Array, counts: readonly number[], D: number): Float64Array {
  const y = new Float64Array(x.length);
  let first = 0;
  for (const count of counts) {
    const part = x.slice(first * D, (first + count) * D);
    y.set(mxfp8(part, { outer: 1, length: count, inner: D }), first * D);
    first += count;
  }
  return y;
}

/** The product of both inputs rounded, each along the axis K. */
export function roundedMatmul(a: Float64Array, b: Float64Array, product: Product): Float64Array {
  const { form, batch, M, N, K } = product;
  const lastAxis = (rows: number) => ({ outer: batch * rows, length: K, inner: 1 });
  const firstAxis = (columns: number) => ({ outer: batch, length: K, inner: columns });
  return matmul(
    mxfp8(a, form === 'tn' ? firstAxis(M) : lastAxis(M)),
    mxfp8(b, form === 'nt' ? lastAxis(N) : firstAxis(N)),
    product,
  );
}

export interface RoundedExperts {
  /** Sorted rows: x [R, D], dy [R, F]; w [E, F, D]. */
  readonly x: Float64Array;
  readonly w: Float64Array;
  readonly dy: Float64Array;
  /** Rows of each expert. */
  readonly counts: readonly number[];
  readonly F: number;
  readonly D: number;
}

/** A grouped layer and its gradients dx [R, D] and dw [E, F, D], every product with both inputs rounded. */
export function roundedExperts({ x, w, dy, counts, F, D }: RoundedExperts) {
  const R = x.length / D;
  const E = counts.length;
  const experts = counts.flatMap((count, e) => new Array<number>(count).fill(e));
  const y = groupedLinear(
    mxfp8(x, { outer: R, length: D, inner: 1 }),
    mxfp8(w, { outer: E * F, length: D, inner: 1 }),
    experts,
    { F, D, K: 1 },
  );
  const dyAlongF = mxfp8(dy, { outer: R, length: F, inner: 1 });
  const wAlongF = mxfp8(w, { outer: E, length: F, inner: D });
  const dx = new Float64Array(R * D);
  const dyAlongR = mxfp8Rows(dy, counts, F);
  const xAlongR = mxfp8Rows(x, counts, D);
  const dw = new Float64Array(E * F * D);
  for (let r = 0; r < R; r++) {
    const e = experts[r]!;
    for (let f = 0; f < F; f++) {
      for (let d = 0; d < D; d++) {
        const at = (e * F + f) * D + d;
        dx[r * D + d]! += dyAlongF[r * F + f]! * wAlongF[at]!;
        dw[at]! += dyAlongR[r * F + f]! * xAlongR[r * D + d]!;
      }
    }
  }
  return { y, dx, dw };
}
