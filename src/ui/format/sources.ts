/** @file Where a source of the settings table can be read. */

/** The reports that the table calls by a name, at the start of a source. */
const reports: readonly (readonly [name: string, id: string])[] = [
  ['Trinity', '2602.17004'],
  ['Hunyuan-Large', '2411.02265'],
  ['dots.llm1', '2506.05767'],
];

/** The address of a source; undefined where it names no paper. */
export function sourceUrl(source: string): string | undefined {
  const report = reports.find(([name]) => source.startsWith(name))?.[1];
  const id = report ?? /arXiv:(\d{4}\.\d{4,5})/.exec(source)?.[1];
  return id && `https://arxiv.org/abs/${id}`;
}
