/** Streams of batches for data tests: settings of any kind, and what can be read off their batches. */
import fc from 'fast-check';
import { complaints } from '@/engine/config/rules';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import type { Batch, BatchSource } from '@/engine/data/batch';
import { domainIds, type Phase } from '@/engine/data/domains';
import { createBatchSource } from '@/engine/data/source';
import { corpora, ownText, settingsWith } from './texts';

const weight = fc.oneof(fc.constant(0), fc.double({ min: 0.05, max: 5, noNaN: true }));

/** Weights of the six domains, at least one of them over 0. */
export const anyMixture = fc
  .tuple(weight, weight, weight, weight, weight, weight)
  .filter((weights) => weights.some((one) => one > 0))
  .map(([novel, speeches, code, arithmetic, recall, own]) => ({
    novelWeight: novel,
    speechesWeight: speeches,
    codeWeight: code,
    arithmeticWeight: arithmetic,
    recallWeight: recall,
    ownTextWeight: own,
  }));

const anyShape = fc.record({
  contextLength: fc.integer({ min: 2, max: 160 }),
  batchSequences: fc.integer({ min: 1, max: 5 }),
  intraDocumentMask: fc.boolean(),
  recallPairs: fc.integer({ min: 1, max: 32 }),
});

/** Settings with any mixture of the six domains and any small shape, in sequential order. */
export const anySettings = fc
  .record({ seed: fc.nat(0xffff_ffff), shape: anyShape, mixture: anyMixture })
  .map(({ seed, shape, mixture }) =>
    settingsWith({ run: { seed }, data: { ...shape, ...mixture } }),
  );

const anyOrder = fc.oneof(
  fc.constant({}),
  fc
    .record({ share: fc.integer({ min: 4, max: 12 }), workers: fc.integer({ min: 1, max: 4 }) })
    .map(({ share, workers }) => ({
      order: 'rsdb' as const,
      rsdbDocuments: share * workers,
      rsdbWorkers: workers,
    })),
);

const anyUntying = fc.oneof(
  fc.constant({}),
  fc.record({
    utkShare: fc.constantFrom(0.3, 0.8, 1),
    utkChunks: fc.integer({ min: 2, max: 5 }),
    utkKeepsOrder: fc.boolean(),
  }),
);

const anyPhases = fc.oneof(
  fc.constant({}),
  fc
    .record({ first: fc.integer({ min: 1, max: 4 }), second: anyMixture })
    .map(({ first, second }) => ({ phase2: { startsAt: first, ...second } })),
  fc
    .record({
      first: fc.integer({ min: 1, max: 3 }),
      gap: fc.integer({ min: 1, max: 3 }),
      second: anyMixture,
      third: anyMixture,
    })
    .map(({ first, gap, second, third }) => ({
      phase2: { startsAt: first, ...second },
      phase3: { startsAt: first + gap, ...third },
    })),
);

const anySchedule = fc.record({
  microBatches: fc.integer({ min: 1, max: 3 }),
  growAt: fc.integer({ min: 0, max: 3 }),
  grownMicroBatches: fc.integer({ min: 1, max: 4 }),
});

/** Settings with any order, untying, phases and growth on top. */
export const anyStream = fc
  .tuple(anySettings, anyOrder, anyUntying, anyPhases, anySchedule)
  .map(
    ([settings, order, untying, phases, schedule]): Settings =>
      settingsWith({
        run: settings.run,
        data: { ...settings.data, ...order, ...untying },
        ...phases,
        schedule,
      }),
  )
  .filter((settings) => complaints(settings).length === 0);

/** The changes that leave the novel as the only domain. */
export const onlyNovel: NonNullable<SettingsChanges['data']> = {
  speechesWeight: 0,
  codeWeight: 0,
  arithmeticWeight: 0,
  recallWeight: 0,
};

export const open = (settings: Settings) => createBatchSource(settings, corpora, ownText);

export async function take(source: BatchSource, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let index = 0; index < count; index++) batches.push(await source.next());
  return batches;
}

/** What one domain gave in one go: tokens of one document. */
export interface Turn {
  readonly domain: number;
  readonly tokens: number[];
  readonly targets: number[];
  readonly isLastOfSequence: boolean;
}

/** Cuts batches back into turns, by the change of the document index. */
export function turnsOf(batches: readonly Batch[], contextLength: number): Turn[] {
  const turns: Turn[] = [];
  for (const { tokens, targets, documents, domains } of batches) {
    for (let start = 0; start < tokens.length; start += contextLength) {
      const end = start + contextLength;
      for (let at = start; at < end; ) {
        let next = at;
        while (next < end && documents[next] === documents[at]) next++;
        turns.push({
          domain: domains[at]!,
          tokens: [...tokens.subarray(at, next)],
          targets: [...targets.subarray(at, next)],
          isLastOfSequence: next === end,
        });
        at = next;
      }
    }
  }
  return turns;
}

/** How far, in sequences, the tokens of each domain in `batches` lie from the shares of the phase. */
export function strays(
  batches: readonly Batch[],
  { shares }: Pick<Phase, 'shares'>,
  contextLength: number,
): number[] {
  const given = new Array<number>(domainIds.length).fill(0);
  for (const { domains } of batches) for (const domain of domains) given[domain]!++;
  const total = given.reduce((sum, count) => sum + count, 0);
  return shares.map((share, domain) => Math.abs(given[domain]! - share * total) / contextLength);
}
