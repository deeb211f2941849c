import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stepOfMicroBatch } from '@/engine/config/growth';
import { phaseAt } from '@/engine/config/phases';
import { defaultSettings, withValue } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import { domainIds, domainShares, mixturePhases } from '@/engine/data/domains';
import { createBatchSource, heldOutBatches } from '@/engine/data/source';
import { anySettings, anyStream, open, strays, type Turn, take, turnsOf } from './streams';
import { corpora, ownText, settingsWith, textOf, texts } from './texts';

/** The documents that a text domain's turns put together again, in the order they were opened. */
function documentsOf(turns: readonly Turn[], loaderCount: number) {
  const open = new Map<number, { order: number; text: number[] }>();
  const closed: { order: number; text: string }[] = [];
  let opened = 0;
  for (const [index, { tokens }] of turns.entries()) {
    const loader = index % loaderCount;
    const document = open.get(loader) ?? { order: opened++, text: [] };
    open.set(loader, document);
    document.text.push(...tokens);
    if (tokens.at(-1) !== 0) continue;
    closed.push({ order: document.order, text: textOf(document.text.slice(0, -1)) });
    open.delete(loader);
  }
  return closed.sort((one, other) => one.order - other.order);
}

const trainingTexts = (all: readonly string[]) => all.filter((_, index) => index % 20 !== 10);
const heldOutTexts = (all: readonly string[]) => all.filter((_, index) => index % 20 === 10);

describe('the training stream', () => {
  test('is the same for equal settings, and another for another seed', async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, async (settings) => {
        expect(await take(open(settings), 4)).toEqual(await take(open(settings), 4));
      }),
      { numRuns: 40 },
    );
    const other = withValue(defaultSettings, 'run.seed', 8);
    expect(await take(open(other), 1)).not.toEqual(await take(open(defaultSettings), 1));
  });

  test('goes on from a cursor as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, fc.nat(12), async (settings, before) => {
        const whole = open(settings);
        await take(whole, before);
        const cursor = JSON.parse(JSON.stringify(await whole.cursor()));
        const expected = await take(whole, 6);
        const resumed = open(settings);
        await take(resumed, 3);
        await resumed.seek(cursor);
        expect(await take(resumed, 6)).toEqual(expected);
        expect(await resumed.cursor()).toEqual(await whole.cursor());
      }),
      { numRuns: 150 },
    );
  });

  test('numbers documents from 0 in every sequence, in steps of 1, one domain each', async () => {
    await fc.assert(
      fc.asyncProperty(anySettings, async (settings) => {
        const { contextLength, batchSequences } = settings.data;
        const shares = domainShares(settings, true);
        for (const { tokens, documents, domains } of await take(open(settings), 4)) {
          expect(tokens.length).toBe(contextLength * batchSequences);
          for (let at = 0; at < tokens.length; at++) {
            expect(tokens[at]).toBeLessThan(256);
            expect(shares[domains[at]!]).toBeGreaterThan(0);
            if (at % contextLength === 0) {
              expect(documents[at]).toBe(0);
              continue;
            }
            const step = documents[at]! - documents[at - 1]!;
            // A border stands behind a closing 0 and nowhere else.
            expect(step).toBe(tokens[at - 1] === 0 ? 1 : 0);
            if (step === 0) expect(domains[at]).toBe(domains[at - 1]);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('has the next token of the same document as target, also across the end of a sequence', async () => {
    await fc.assert(
      fc.asyncProperty(anySettings, async (settings) => {
        const { contextLength, intraDocumentMask } = settings.data;
        const turns = turnsOf(await take(open(settings), 6), contextLength);
        for (const [index, { tokens, targets, isLastOfSequence }] of turns.entries()) {
          expect(targets.slice(0, -1)).toEqual(tokens.slice(1));
          const last = targets.at(-1)!;
          if (tokens.at(-1) !== 0) expect(last).toBeLessThan(256);
          else if (intraDocumentMask || isLastOfSequence) expect(last).toBe(IGNORED);
          else expect(last).toBe(turns[index + 1]!.tokens[0]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('loses no token and doubles none: every epoch holds every training document once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.integer({ min: 2, max: 90 }), async (seed, context) => {
        const settings = settingsWith({
          run: { seed },
          data: { contextLength: context, batchSequences: 4, novelWeight: 1, codeWeight: 2 },
        });
        const batches = await take(open(settings), Math.ceil(40_000 / (4 * context)));
        const turns = turnsOf(batches, context);
        for (const id of ['novel', 'code'] as const) {
          const own = turns.filter(({ domain }) => domainIds[domain] === id);
          const documents = documentsOf(own, 8);
          const wanted = trainingTexts(texts[id]).sort();
          const [first, second] = [0, 1].map((epoch) =>
            documents
              .filter(({ order }) => Math.floor(order / wanted.length) === epoch)
              .map(({ text }) => text),
          );
          expect([...first!].sort()).toEqual(wanted);
          expect([...second!].sort()).toEqual(wanted);
          expect(second).not.toEqual(first);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('looks ahead to the very token that the domain gives later', async () => {
    const settings = settingsWith({
      data: {
        contextLength: 16,
        batchSequences: 2,
        speechesWeight: 0,
        codeWeight: 0,
        arithmeticWeight: 0,
        recallWeight: 0,
      },
    });
    const turns = turnsOf(await take(open(settings), 60), 16);
    for (const [index, { tokens, targets }] of turns.slice(0, -8).entries()) {
      // Eight documents of the novel are open side by side and take turns.
      if (tokens.at(-1) !== 0) expect(targets.at(-1)).toBe(turns[index + 8]!.tokens[0]);
    }
  });

  test('keeps the share of every domain in tokens, however long its documents are', async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, async (settings) => {
        const { contextLength } = settings.data;
        const phases = mixturePhases(settings, true);
        const batches = await take(open(settings), 40);
        for (const [index, phase] of phases.entries()) {
          const own = batches.filter(
            (_, batch) => phaseAt(stepOfMicroBatch(batch, settings.schedule), settings) === index,
          );
          const worst = Math.max(...strays(own, phase, contextLength));
          expect(worst).toBeLessThan(2 * domainIds.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('never shows held-out text', async () => {
    const settings = settingsWith({ data: { contextLength: 64, arithmeticWeight: 0 } });
    const turns = turnsOf(await take(open(settings), 120), 64);
    for (const id of ['novel', 'speeches', 'code'] as const) {
      const own = turns.filter(({ domain }) => domainIds[domain] === id);
      const seen = new Set(documentsOf(own, 8).map(({ text }) => text));
      expect(heldOutTexts(texts[id]).length).toBeGreaterThan(0);
      for (const text of heldOutTexts(texts[id])) expect(seen.has(text)).toBe(false);
    }
  });

  test('ends every recall document inside its sequence', async () => {
    const settings = settingsWith({ data: { contextLength: 64, recallWeight: 3 } });
    const recall = domainIds.indexOf('recall');
    const turns = turnsOf(await take(open(settings), 60), 64).filter(
      ({ domain }) => domain === recall,
    );
    expect(turns.length).toBeGreaterThan(100);
    for (const { tokens } of turns) expect(tokens.at(-1)).toBe(0);
    expect(turns.some(({ tokens }) => tokens.length === 64)).toBe(true);
  });

  test('refuses a cursor of other data and a damaged one, and stays where it is', async () => {
    const source = open(defaultSettings);
    await take(source, 3);
    const cursor = (await source.cursor()) as { readers: number[][]; given: number[] };
    await take(source, 2);
    const here = await source.cursor();
    const other = open(withValue(defaultSettings, 'run.seed', 8));
    await expect(source.seek(await other.cursor())).rejects.toThrow('other data or settings');
    await expect(source.seek(undefined)).rejects.toThrow('other data or settings');
    await expect(source.seek({ ...cursor, given: [1] })).rejects.toThrow('missing or damaged');
    await expect(source.seek({ ...cursor, random: [0, 0, 0, 0] })).rejects.toThrow('damaged');
    const far = cursor.readers.map((reader) => reader?.map(() => 10_000_000) ?? null);
    await expect(source.seek({ ...cursor, readers: far })).rejects.toMatchObject({
      name: 'CursorError',
    });
    const half = cursor.readers.map((reader, domain) => (domain === 3 ? [0, 1, 5000] : reader));
    await expect(source.seek({ ...cursor, readers: half })).rejects.toThrow('no token 5000');
    expect(await source.cursor()).toEqual(here);
  });

  test('needs only the texts that have a share', async () => {
    const settings = settingsWith({
      data: { novelWeight: 0, speechesWeight: 0, codeWeight: 0 },
    });
    const batch = await createBatchSource(settings, {}, undefined).next();
    expect(new Set(batch.domains)).toEqual(new Set([3, 4]));
    expect(() => createBatchSource(defaultSettings, {}, undefined)).toThrow('damaged');
  });
});

describe('held-out batches', () => {
  const settings = settingsWith({ data: { contextLength: 48, ownTextWeight: 0.2 } });

  test('are windows of held-out documents, in the proportions of the mixture', () => {
    const batches = heldOutBatches(settings, corpora, ownText, 12);
    const turns = turnsOf(batches, 48);
    for (const id of ['novel', 'speeches', 'code'] as const) {
      const whole = heldOutTexts(texts[id]).join('\0');
      const own = turns.filter(({ domain }) => domainIds[domain] === id);
      expect(own.length).toBeGreaterThan(3);
      const isFirst = ({ tokens }: Turn) => /^(whale|union|const) \d/.test(textOf(tokens));
      expect(own.some((turn) => !isFirst(turn))).toBe(true);
      for (const { tokens } of own) {
        const text = textOf(tokens.at(-1) === 0 ? tokens.slice(0, -1) : tokens);
        expect(whole).toContain(text);
      }
    }
    const shares = domainShares(settings, true);
    const counts = new Array<number>(domainIds.length).fill(0);
    for (const { domains } of batches) for (const domain of domains) counts[domain]!++;
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const [domain, share] of shares.entries()) {
      expect(Math.abs(counts[domain]! / total - share)).toBeLessThan(0.05);
    }
  });

  test('do not depend on the seed of the run', () => {
    const other = withValue(settings, 'run.seed', 12345);
    expect(heldOutBatches(other, corpora, ownText, 2)).toEqual(
      heldOutBatches(settings, corpora, ownText, 2),
    );
  });

  test('differ from training in generated domains too', async () => {
    // Seed 0 is the one that held-out batches are made from.
    const generated = settingsWith({
      run: { seed: 0 },
      data: { novelWeight: 0, speechesWeight: 0, codeWeight: 0, recallWeight: 1 },
    });
    const sequences = (batches: readonly Batch[]) =>
      turnsOf(batches, 128)
        .filter(({ tokens }) => tokens.length > 60)
        .map(({ tokens }) => textOf(tokens));
    const seen = new Set(sequences(await take(open(generated), 50)));
    const kept = sequences(heldOutBatches(generated, {}, undefined, 4));
    expect(kept.length).toBeGreaterThan(10);
    for (const text of kept) expect(seen.has(text)).toBe(false);
  });

  test('leave out a text that is a single piece', () => {
    const only = settingsWith({
      data: {
        novelWeight: 0,
        speechesWeight: 0,
        codeWeight: 0,
        arithmeticWeight: 0,
        recallWeight: 0,
        ownTextWeight: 1,
      },
    });
    const short = ownText.subarray(0, 300);
    expect(heldOutBatches(only, {}, short, 2)).toEqual([]);
    expect(heldOutBatches(only, {}, ownText, 2)).toHaveLength(2);
  });
});
