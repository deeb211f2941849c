/** @file Stable sort by expert, the obvious way. */
export function dispatch(selected: ArrayLike<number>, E: number) {
  const source = Array.from({ length: selected.length }, (_, r) => r).sort(
    (a, b) => selected[a]! - selected[b]! || a - b,
  );
  const sorted = new Array<number>(selected.length);
  source.forEach((r, place) => {
    sorted[r] = place;
  });
  const counts = Array.from(
    { length: E },
    (_, e) => source.filter((r) => selected[r] === e).length,
  );
  return { source, sorted, counts };
}
