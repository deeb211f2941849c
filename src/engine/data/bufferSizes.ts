/**
 * @file How the documents of the buffer (see `bufferReader.ts`) are split over texts and workers.
 *
 * The buffer has to give every domain its share of the tokens, also where one text has documents a hundred times as
 * long as another. So the domain is drawn first, as in any other order, then a document among the open
 * ones of that domain: each text has a part of the buffer, which is a buffer of its own by the report's rules. The
 * parts are in proportion to shares; so every open document is about equally likely to be read on, as in a
 * single buffer. Together they are U documents at least and 2U at most, for any number of workers.
 *
 * Generated documents have no part: each is independent of all others and as good as read whole when it is
 * made, so there is no order to mix, and one that is cut off would ask for what it no longer shows.
 */
import type { Settings } from '@/engine/config/settings';
import type { BufferSize } from './bufferReader';
import type { Phase } from './domains';

/**
 * The size of each domain's part, by index: of the same size in all phases, after its largest share in any.
 * @param isText whether a domain is a text that is read in some phase; the others have no part.
 */
export function bufferSizes(
  { data: { rsdbDocuments, rsdbWorkers } }: Settings,
  phases: readonly Phase[],
  isText: readonly boolean[],
): BufferSize[] {
  const weights = isText.map((isPart, domain) =>
    isPart ? Math.max(...phases.map(({ shares }) => shares[domain]!)) : 0,
  );
  return apportion(Math.floor(rsdbDocuments / rsdbWorkers), weights).map((documents) => ({
    documents,
    workers: rsdbWorkers,
  }));
}

/**
 * Splits `total` in proportion to `weights`, at least 1 for every weight over 0, one by one to whoever lies furthest
 * behind.
 * @param total no less than there are weights over 0
 */
function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((one, other) => one + other, 0);
  const parts = weights.map((weight) => (weight > 0 ? 1 : 0));
  if (sum === 0) return parts;
  for (let left = total - parts.filter((part) => part > 0).length; left > 0; left--) {
    const behind = weights.map((weight, index) => (weight / sum) * total - parts[index]!);
    parts[behind.indexOf(Math.max(...behind))]! += 1;
  }
  return parts;
}
