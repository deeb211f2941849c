/** @file Where a source of the settings table can be read. */

/** The report that the table calls Trinity. */
const TRINITY = 'https://arxiv.org/abs/2602.17004';

/** The address of a source; undefined where it names no paper. */
export function sourceUrl(source: string): string | undefined {
  const id = /arXiv:(\d{4}\.\d{4,5})/.exec(source)?.[1];
  if (id && !source.startsWith('Trinity')) return `https://arxiv.org/abs/${id}`;
  return source.startsWith('Trinity') ? TRINITY : undefined;
}
