/** @file The domains of the mixtures, in the order in which tokens count them. */
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

/** The shares of a mixture as the settings have them: the groups `data`, `phase2` and `phase3`. */
type Weights = Omit<Settings['phase2'], 'startsAt'>;

interface Domain {
  readonly label: string;
  readonly source: string;
  readonly weight: keyof Weights;
}

const domains: Readonly<Record<DomainId, Domain>> = {
  novel: {
    label: 'Novel',
    source: 'Moby-Dick by Herman Melville',
    weight: 'novelWeight',
  },
  speeches: {
    label: 'Speeches',
    source: 'State of the Union addresses, 1790 to 2021',
    weight: 'speechesWeight',
  },
  code: {
    label: 'Code',
    source: 'JavaScript of lodash-es',
    weight: 'codeWeight',
  },
  arithmetic: {
    label: 'Arithmetic',
    source: 'generated sums, differences and products with worked steps',
    weight: 'arithmeticWeight',
  },
  recall: {
    label: 'Recall',
    source: 'generated keys and values, hidden and asked for again',
    weight: 'recallWeight',
  },
  own: {
    label: 'Your text',
    source: 'stays on this device',
    weight: 'ownTextWeight',
  },
};

/** One mixture of a run and when it begins. */
export interface Phase {
  /** First optimizer step, counted from 0. */
  readonly startsAt: number;
  /** Share of each domain, by index; they add up to 1. All are 0 where no weight is left. */
  readonly shares: readonly number[];
}

/**
 * The mixtures of a run in their order, one to three (Trinity, 3.1). Without a text of the visitor's its
 * weight counts for nothing.
 */
export function mixturePhases(
  { data, phase2, phase3 }: Settings,
  hasOwnText: boolean,
): readonly [Phase, ...Phase[]] {
  const later = [phase2, phase3].filter(({ startsAt }) => startsAt > 0);
  return [
    { startsAt: 0, shares: sharesOf(data, hasOwnText) },
    ...later.map((phase) => ({
      startsAt: phase.startsAt,
      shares: sharesOf(phase, hasOwnText),
    })),
  ];
}

/** Share of each domain in the mixture that a run begins with, by index; as in `Phase`. */
export const domainShares = ({ data }: Settings, hasOwnText: boolean): readonly number[] =>
  sharesOf(data, hasOwnText);

function sharesOf(mixture: Weights, hasOwnText: boolean): number[] {
  const weights = domainIds.map((id) =>
    id === 'own' && !hasOwnText ? 0 : mixture[domains[id].weight],
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total > 0 ? weight / total : 0));
}

/** Whether a domain has a share in any of the phases. */
export const isMixed = (domain: number, phases: readonly Phase[]): boolean =>
  phases.some(({ shares }) => shares[domain]! > 0);

/** Every domain with its shares, also those without one, so that indices stay what they are. */
export const describeDomains = ([first, ...later]: readonly [Phase, ...Phase[]]): DomainInfo[] =>
  domainIds.map((id, index) => {
    const { label, source } = domains[id];
    const laterShares = later.map(({ shares }) => shares[index]!);
    return { id, label, source, share: first.shares[index]!, laterShares };
  });
