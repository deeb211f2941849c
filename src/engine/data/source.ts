/** @file Batches for a run: an endless training stream, and fixed batches of held-out text. */
import { stepOfMicroBatch } from '@/engine/config/growth';
import { phaseAt } from '@/engine/config/phases';
import type { Settings } from '@/engine/config/settings';
import { Random } from '@/engine/math/random';
import { arithmeticDocument } from './arithmetic';
import type { Batch, BatchSource } from './batch';
import { BufferReader } from './bufferReader';
import { bufferSizes } from './bufferSizes';
import { type Documents, documentsOf, splitCorpus, splitOwnText } from './documents';
import {
  type Corpora,
  type DomainId,
  domainIds,
  domainShares,
  isMixed,
  mixturePhases,
  type Phase,
} from './domains';
import { GeneratedReader } from './generatedReader';
import { PackedSource } from './packedSource';
import { Packer, type Packing, type Untying } from './packer';
import type { DocumentReader, ResumableReader } from './readers';
import { drawRecallRoom, recallDocument, smallestRecallRoom } from './recall';
import { TextReader } from './textReader';
import { WindowReader } from './windowReader';

/** Held-out batches are the same for every seed of a run, so that runs can be compared. */
const heldOutSeed = 0;

/**
 * The endless training stream of a run: equal settings and texts give equal batches. A batch is a micro-batch;
 * the first one of the step at which a phase starts is the first in that phase's mixture.
 * @throws {CorpusError} on a corpus that is missing from `corpora` or damaged.
 */
export function createBatchSource(
  settings: Settings,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
): BatchSource {
  const phases = mixturePhases(settings, ownText !== undefined);
  const random = Random.seeded(settings.run.seed).split('training');
  const texts = domainIds.map((id, domain) =>
    isMixed(domain, phases) ? textOf(id, corpora, ownText) : undefined,
  );
  const isText = texts.map((text) => text !== undefined);
  const buffers =
    settings.data.order === 'rsdb' ? bufferSizes(settings, phases, isText) : undefined;
  const readers = domainIds.map((id, domain): ResumableReader | undefined => {
    if (!isMixed(domain, phases)) return undefined;
    const text = texts[domain];
    if (!text) return generatedReader(id, settings, random.split(id));
    const members = documentsOf('training', text);
    return buffers
      ? new BufferReader(text, members, random.split(id), buffers[domain]!)
      : new TextReader(text, members, random.split(id));
  });
  const packings = phases.map(({ shares }) => ({
    ...packing(settings, shares, readers),
    untying: untying(settings, random),
  }));
  return new PackedSource({
    name: streamName(settings, phases, texts),
    packings,
    phaseOf: (batch) => phaseAt(stepOfMicroBatch(batch, settings.schedule), settings),
    readers,
    random: random.split('order'),
  });
}

/** What a stream is made of, in words. */
function streamName(
  { run, data, schedule }: Settings,
  phases: readonly Phase[],
  texts: readonly (Documents | undefined)[],
): string {
  const parts = [`${data.batchSequences}x${data.contextLength}`, `seed ${run.seed}`];
  parts.push(`pairs ${data.recallPairs}`);
  if (data.order === 'rsdb') parts.push(`rsdb ${data.rsdbDocuments}/${data.rsdbWorkers}`);
  if (data.utkShare > 0) {
    const order = data.utkKeepsOrder ? 'in order' : 'in any order';
    parts.push(`untied ${data.utkShare} in ${data.utkChunks} ${order}`);
  }
  if (phases.length > 1) {
    const { microBatches, growAt, grownMicroBatches, growAgainAt, grownAgainMicroBatches } =
      schedule;
    parts.push(`phases from ${phases.map(({ startsAt }) => startsAt).join('/')}`);
    parts.push(
      `micro-batches ${microBatches}, ${grownMicroBatches} from ${growAt}, ${grownAgainMicroBatches} from ${growAgainAt}`,
    );
  }
  for (const [domain, id] of domainIds.entries()) {
    if (!isMixed(domain, phases)) continue;
    const shares = phases.map(({ shares }) => shares[domain]).join('/');
    parts.push(`${id} ${shares} ${texts[domain]?.bytes.length ?? ''}`);
  }
  return parts.join(', ');
}

function untying({ data }: Settings, random: Random): Untying | undefined {
  const { utkShare, utkChunks, utkKeepsOrder } = data;
  if (utkShare === 0) return undefined;
  return {
    share: utkShare,
    chunks: utkChunks,
    keepsOrder: utkKeepsOrder,
    random: random.split('untie'),
  };
}

/**
 * `count` batches of text that training never sees, in the proportions of the mixture of phase 1, never untied. Empty when no
 * domain of the mixture has anything held out: a text of the visitor's that is a single piece.
 * @throws {CorpusError} as `createBatchSource`
 */
export function heldOutBatches(
  settings: Settings,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
  count: number,
): Batch[] {
  const shares = domainShares(settings, ownText !== undefined);
  const random = Random.seeded(heldOutSeed).split('held out');
  const readers = domainIds.map((id, domain): DocumentReader | undefined => {
    if (shares[domain] === 0) return undefined;
    const documents = textOf(id, corpora, ownText);
    if (!documents) return generatedReader(id, settings, random.split(id));
    const members = documentsOf('heldOut', documents);
    return members.length > 0 ? new WindowReader(documents, members, random.split(id)) : undefined;
  });
  const present = shares.map((share, domain) => (readers[domain] ? share : 0));
  const total = present.reduce((sum, share) => sum + share, 0);
  if (total === 0) return [];
  const packer = new Packer(
    packing(
      settings,
      present.map((share) => share / total),
      readers,
    ),
  );
  const order = random.split('order');
  const { batchSequences } = settings.data;
  return Array.from({ length: count }, (_, index) => packer.pack(order, index * batchSequences));
}

const packing = (
  { data: { batchSequences, contextLength, intraDocumentMask } }: Settings,
  shares: readonly number[],
  readers: Packing['readers'],
): Packing => ({ batchSequences, contextLength, intraDocumentMask, shares, readers });

/** The documents of a text domain; undefined for a generated one. */
function textOf(
  id: DomainId,
  corpora: Corpora,
  ownText: Uint8Array | undefined,
): Documents | undefined {
  if (id === 'arithmetic' || id === 'recall') return undefined;
  if (id === 'own') return ownText && splitOwnText(ownText);
  return splitCorpus(id, corpora[id]);
}

function generatedReader(id: DomainId, { data }: Settings, random: Random): GeneratedReader {
  const largestRoom = data.contextLength;
  if (id === 'arithmetic') {
    return new GeneratedReader({
      smallestRoom: 1,
      largestRoom,
      random,
      generate: (own) => arithmeticDocument(own),
    });
  }
  return new GeneratedReader({
    // A recall document is made to end inside its sequence: cut in two, its questions would have no
    // answer in sight. Only in a context too short for any does one go on in the next sequence.
    smallestRoom: data.contextLength < smallestRecallRoom ? 1 : smallestRecallRoom,
    largestRoom,
    random,
    generate: (own, room) => recallDocument(own, drawRecallRoom(own, room) - 1, data.recallPairs),
  });
}
