/** @file The domains of the mixture, in the order in which tokens count them. */
import type { Settings } from '@/engine/config/settings';
import type { DomainInfo } from '@/engine/train/commands';

/** A token's domain is an index into this list, whatever the mixture. */
export const domainIds = ['novel', 'speeches', 'code', 'arithmetic', 'recall', 'own'] as const;
export type DomainId = (typeof domainIds)[number];

/** Domains that are read from a file which ships with the app. */
export const corpusIds = ['novel', 'speeches', 'code'] as const;
export type CorpusId = (typeof corpusIds)[number];

/** Bytes of corpora by id, as `scripts/corpora.mjs` writes them; only those of a mixture are needed. */
export type Corpora = Readonly<Partial<Record<CorpusId, Uint8Array>>>;

interface Domain {
  readonly label: string;
  readonly source: string;
  readonly weight: (data: Settings['data']) => number;
}

const domains: Readonly<Record<DomainId, Domain>> = {
  novel: {
    label: 'Novel',
    source: 'Moby-Dick by Herman Melville',
    weight: (data) => data.novelWeight,
  },
  speeches: {
    label: 'Speeches',
    source: 'State of the Union addresses, 1790 to 2021',
    weight: (data) => data.speechesWeight,
  },
  code: {
    label: 'Code',
    source: 'JavaScript of lodash-es',
    weight: (data) => data.codeWeight,
  },
  arithmetic: {
    label: 'Arithmetic',
    source: 'generated sums, differences and products with worked steps',
    weight: (data) => data.arithmeticWeight,
  },
  recall: {
    label: 'Recall',
    source: 'generated keys and values, hidden and asked for again',
    weight: (data) => data.recallWeight,
  },
  own: {
    label: 'Your text',
    source: 'stays on this device',
    weight: (data) => data.ownTextWeight,
  },
};

/**
 * Share of each domain in the mixture, by index; they add up to 1. Without a text of the visitor's
 * its weight counts for nothing; when no weight is left, every share is 0.
 */
export function domainShares({ data }: Settings, hasOwnText: boolean): number[] {
  const weights = domainIds.map((id) =>
    id === 'own' && !hasOwnText ? 0 : domains[id].weight(data),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total > 0 ? weight / total : 0));
}

/** Every domain with its share, also those without one, so that indices stay what they are. */
export const describeDomains = (shares: readonly number[]): DomainInfo[] =>
  domainIds.map((id, index) => {
    const { label, source } = domains[id];
    return { id, label, source, share: shares[index]! };
  });
