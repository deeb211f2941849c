import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { microBatchesAt } from '@/engine/config/growth';
import { phaseAt } from '@/engine/config/phases';
import { domainIds, mixturePhases } from '@/engine/data/domains';
import { createBatchSource, heldOutBatches } from '@/engine/data/source';
import { open, strays, take } from './streams';
import { corpora, ownText, settingsWith } from './texts';

const nothing = {
  novelWeight: 0,
  speechesWeight: 0,
  codeWeight: 0,
  arithmeticWeight: 0,
  recallWeight: 0,
  ownTextWeight: 0,
};
const only = (weights: Partial<typeof nothing>) => ({ ...nothing, ...weights });

/** Three phases of one domain each. */
const threeTexts = (second: number, third: number) => ({
  data: only({ novelWeight: 1 }),
  phase2: { ...only({ codeWeight: 2 }), startsAt: second },
  phase3: { ...only({ speechesWeight: 5 }), startsAt: third },
});

describe('the phases of a mixture', () => {
  test('switch with the first micro-batch of their step, however the batch grows', async () => {
    const anyRun = fc.record({
      second: fc.integer({ min: 1, max: 5 }),
      gap: fc.integer({ min: 1, max: 4 }),
      microBatches: fc.integer({ min: 1, max: 3 }),
      growAt: fc.integer({ min: 0, max: 4 }),
      grownMicroBatches: fc.integer({ min: 1, max: 4 }),
      growthGap: fc.integer({ min: 0, max: 3 }),
      grownAgainMicroBatches: fc.integer({ min: 1, max: 5 }),
      order: fc.constantFrom('sequential' as const, 'rsdb' as const),
    });
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ second, gap, growthGap, order, ...growth }) => {
        const { growAt } = growth;
        const growAgainAt = growAt > 0 && growthGap > 0 ? growAt + growthGap : 0;
        const texts = threeTexts(second, second + gap);
        const settings = settingsWith({
          ...texts,
          data: { ...texts.data, contextLength: 20, batchSequences: 2, order, rsdbDocuments: 3 },
          schedule: { ...growth, growAgainAt },
        });
        const source = open(settings);
        for (let step = 0; step < second + gap + 4; step++) {
          const wanted = step < second ? 'novel' : step < second + gap ? 'code' : 'speeches';
          for (const { domains } of await take(source, microBatchesAt(step, settings.schedule)))
            expect([...new Set(domains)]).toEqual([domainIds.indexOf(wanted)]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('hold their own shares from their first batch on, without making up for the one before', async () => {
    const settings = settingsWith({
      data: { ...only({ novelWeight: 0.9, arithmeticWeight: 0.1 }), contextLength: 64 },
      phase2: { ...only({ novelWeight: 0.5, arithmeticWeight: 0.5 }), startsAt: 60 },
    });
    const [first, second] = mixturePhases(settings, true);
    const batches = await take(open(settings), 70);
    expect(Math.max(...strays(batches.slice(0, 60), first, 64))).toBeLessThan(4);
    // Ten batches of eight sequences: what phase 1 had less of than half would take twenty-four of them.
    expect(Math.max(...strays(batches.slice(60), second!, 64))).toBeLessThan(4);
  });

  test('read on where an earlier one had stopped: nothing of a text is lost in between', async () => {
    const texts = threeTexts(3, 6);
    const shape = { contextLength: 32, batchSequences: 4 };
    const broken = settingsWith({
      ...texts,
      data: { ...texts.data, ...shape },
      phase3: { ...only({ novelWeight: 1 }), startsAt: 6 },
    });
    const batches = await take(open(broken), 10);
    const whole = await take(open(settingsWith({ data: { ...texts.data, ...shape } })), 7);
    const novel = [...batches.slice(0, 3), ...batches.slice(6)];
    expect(novel.map(({ tokens }) => tokens)).toEqual(whole.map(({ tokens }) => tokens));
  });

  test('go on from a cursor in the middle of any of them', async () => {
    const settings = settingsWith({ ...threeTexts(2, 5), schedule: { microBatches: 2 } });
    const expected = await take(open(settings), 16);
    const source = open(settings);
    for (let index = 0; index < 16; index++) {
      const resumed = open(settings);
      await resumed.seek(JSON.parse(JSON.stringify(await source.cursor())));
      expect(await take(resumed, 16 - index)).toEqual(expected.slice(index));
      await source.next();
    }
    const other = open(settingsWith({ ...threeTexts(2, 6), schedule: { microBatches: 2 } }));
    await expect(other.seek(await source.cursor())).rejects.toThrow('phases from 0/2/6');
    const grown = open(settingsWith({ ...threeTexts(2, 5), schedule: { microBatches: 3 } }));
    await expect(grown.seek(await source.cursor())).rejects.toThrow('micro-batches 3');
  });

  test('are one where no later one starts, whatever its shares say', () => {
    const settings = settingsWith({ phase2: only({ codeWeight: 1 }) });
    expect(mixturePhases(settings, true)).toHaveLength(1);
    expect([0, 1000].map((step) => phaseAt(step, settings))).toEqual([0, 0]);
    const three = settingsWith(threeTexts(4, 9));
    expect([0, 3, 4, 8, 9, 1000].map((step) => phaseAt(step, three))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('leave held-out text in the mixture of the first', () => {
    const texts = threeTexts(2, 5);
    const first = heldOutBatches(settingsWith({ data: texts.data }), corpora, ownText, 2);
    expect(heldOutBatches(settingsWith(texts), corpora, ownText, 2)).toEqual(first);
  });

  test('need the texts of all of them from the start', () => {
    const { novel } = corpora;
    const settings = settingsWith(threeTexts(2, 5));
    expect(() => createBatchSource(settings, { novel: novel! }, undefined)).toThrow('"speeches"');
  });
});
