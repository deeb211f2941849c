/** @file Where a run gets its data from: the shipped texts, the generators and the visitor's text. */
import { ConfigError } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import type { DomainInfo, TextReport } from '@/engine/train/commands';
import type { Batch, BatchSource } from './batch';
import {
  type Corpora,
  type CorpusId,
  corpusIds,
  describeDomains,
  domainIds,
  isMixed,
  mixturePhases,
  type Phase,
} from './domains';
import { checkOwnText, TextError } from './ownText';
import { createBatchSource, heldOutBatches } from './source';

export interface RunData {
  /** Every domain by index, also those without a share of any mixture. */
  readonly domains: readonly DomainInfo[];
  readonly training: BatchSource;
  /** In the mixture of phase 1, the same for every run on equal data; empty when that mixture has nothing to hold out. */
  readonly heldOut: readonly Batch[];
}

export interface DataService {
  /**
   * @param cursor where the training stream begins: that of an equal run, else at its start.
   * @throws {CursorError} when the cursor belongs to other data or settings, or is damaged.
   * @throws {ConfigError} when the vocabulary is smaller than a byte.
   * @throws {CorpusError} when a shipped text cannot be read.
   * @throws {TextError} when a mixture holds nothing but a text of the visitor's that is not here.
   */
  openRun(settings: Settings, cursor?: unknown): Promise<RunData>;
  /**
   * Adds or replaces the visitor's text, for the runs opened from then on.
   * @throws {TextError} when it cannot be used; the one before stays then.
   */
  addText(name: string, bytes: Uint8Array): Promise<TextReport>;
  removeText(): Promise<void>;
}

const byteCount = 256;
const heldOutBatchCount = 4;

/**
 * A service inside the caller's own thread.
 * @param loadCorpus bytes of a shipped text; asked once for each, again only after a failure.
 */
export function createDataService(loadCorpus: (id: CorpusId) => Promise<Uint8Array>): DataService {
  const loading = new Map<CorpusId, Promise<Uint8Array>>();
  let ownText: { readonly name: string; readonly bytes: Uint8Array } | undefined;

  const load = (id: CorpusId): Promise<Uint8Array> => {
    const known = loading.get(id);
    if (known) return known;
    const started = loadCorpus(id);
    loading.set(id, started);
    started.catch(() => loading.delete(id));
    return started;
  };

  return {
    async openRun(settings, cursor) {
      const own = ownText;
      const phases = checkedPhases(settings, own !== undefined);
      const corpora = await loadCorpora(phases, load);
      const domains = describeDomains(phases);
      const training = createBatchSource(settings, corpora, own?.bytes);
      if (cursor !== undefined) await training.seek(cursor);
      return {
        domains: domains.map((domain) =>
          domain.id === 'own' && own ? { ...domain, source: own.name } : domain,
        ),
        training,
        heldOut: heldOutBatches(settings, corpora, own?.bytes, heldOutBatchCount),
      };
    },
    async addText(name, bytes) {
      ownText = { name, bytes: checkOwnText(name, bytes) };
      return { name, bytes: ownText.bytes.length };
    },
    async removeText() {
      ownText = undefined;
    },
  };
}

function checkedPhases(settings: Settings, hasOwnText: boolean): readonly [Phase, ...Phase[]] {
  if (settings.model.vocabSize < byteCount) {
    throw new ConfigError(
      `model.vocabSize: ${settings.model.vocabSize} is below ${byteCount}; a token is a byte`,
    );
  }
  const phases = mixturePhases(settings, hasOwnText);
  const empty = phases.find(({ shares }) => shares.every((share) => share === 0));
  if (empty) {
    const when = empty.startsAt > 0 ? ` from step ${empty.startsAt} on` : '';
    throw new TextError(
      `There is nothing to train on${when}. This experiment is made for a text of your own: add one, or give another domain a share.`,
    );
  }
  return phases;
}

/** The texts of all phases, so that a run does not stop in its middle for want of one. */
async function loadCorpora(
  phases: readonly Phase[],
  load: (id: CorpusId) => Promise<Uint8Array>,
): Promise<Corpora> {
  const needed = corpusIds.filter((id) => isMixed(domainIds.indexOf(id), phases));
  const loaded = await Promise.all(needed.map(async (id) => [id, await load(id)] as const));
  return Object.fromEntries(loaded);
}
