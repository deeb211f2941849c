import type { Tensor } from './tensor';

type Numbers<N extends number> = N extends 1
  ? [number]
  : N extends 2
    ? [number, number]
    : N extends 3
      ? [number, number, number]
      : number[];

/**
 * Checks a tensor at the border of an op: against a rank, or against a shape.
 * @throws {RangeError} naming the place, the wanted shape and the one that came.
 */
export function expectShape<N extends 1 | 2 | 3>(
  place: string,
  tensor: Tensor,
  rank: N,
): Numbers<N>;
export function expectShape(place: string, tensor: Tensor, shape: readonly number[]): number[];
export function expectShape(
  place: string,
  { shape }: Tensor,
  want: number | readonly number[],
): number[] {
  const fits =
    typeof want === 'number'
      ? shape.length === want
      : shape.length === want.length && want.every((n, i) => n === shape[i]);
  if (fits) return [...shape];
  const wanted = typeof want === 'number' ? `${want} axes` : `[${want.join(', ')}]`;
  throw new RangeError(`${place}: want ${wanted}, got [${shape.join(', ')}]`);
}
