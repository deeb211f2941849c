import { describe, expect, test } from 'vitest';
import { defaultSettings } from '@/engine/config/settings';
import { CorpusError } from '@/engine/data/documents';
import type { CorpusId } from '@/engine/data/domains';
import { createDataService } from '@/engine/data/service';
import { corpora, ownText, settingsWith } from './texts';

const load = async (id: CorpusId) => corpora[id]!;
const mine = {
  novelWeight: 0,
  speechesWeight: 0,
  codeWeight: 0,
  arithmeticWeight: 0,
  recallWeight: 0,
  ownTextWeight: 1,
};
const onlyOwn = settingsWith({ data: mine });

describe('the data service', () => {
  test('opens a run with its domains, whose shares add up to 1', async () => {
    const { domains, training, heldOut } = await createDataService(load).openRun(defaultSettings);
    expect(domains.map(({ id }) => id)).toEqual([
      'novel',
      'speeches',
      'code',
      'arithmetic',
      'recall',
      'own',
    ]);
    expect(domains.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(domains[0]!.share).toBeCloseTo(0.3, 12);
    expect(domains[5]!.share).toBe(0);
    expect((await training.next()).tokens.length).toBe(8 * 128);
    expect(heldOut.length).toBeGreaterThan(0);
  });

  test('reads a shipped text when a run needs it, once, and again only after a failure', async () => {
    const asked: CorpusId[] = [];
    let isDown = true;
    const service = createDataService(async (id) => {
      asked.push(id);
      if (isDown) throw new CorpusError(`no ${id}`);
      return corpora[id]!;
    });
    const novelOnly = settingsWith({ data: { speechesWeight: 0, codeWeight: 0 } });
    await expect(service.openRun(novelOnly)).rejects.toThrow('no novel');
    isDown = false;
    await service.openRun(novelOnly);
    await service.openRun(novelOnly);
    expect(asked).toEqual(['novel', 'novel']);
    await service.openRun(defaultSettings);
    expect(asked).toEqual(['novel', 'novel', 'speeches', 'code']);
  });

  test('reads the texts of later phases too, and tells the share of every domain in each', async () => {
    const asked: CorpusId[] = [];
    const service = createDataService(async (id) => {
      asked.push(id);
      return corpora[id]!;
    });
    const settings = settingsWith({
      data: { speechesWeight: 0, codeWeight: 0, novelWeight: 0.7 },
      phase2: { startsAt: 5, novelWeight: 0, codeWeight: 0.5 },
    });
    const { domains } = await service.openRun(settings);
    expect(asked.sort()).toEqual(['code', 'novel', 'speeches']);
    expect(domains.find(({ id }) => id === 'novel')).toMatchObject({
      share: 0.7,
      laterShares: [0],
    });
    const code = domains.find(({ id }) => id === 'code')!;
    expect(code.share).toBe(0);
    expect(code.laterShares).toEqual([0.5]);
  });

  test('does not train on a page of HTML that came instead of a text', async () => {
    const html = new TextEncoder().encode('<!doctype html>');
    const service = createDataService(async () => html);
    await expect(service.openRun(defaultSettings)).rejects.toMatchObject({ name: 'CorpusError' });
  });

  test('mixes in the text of the visitor until it is removed', async () => {
    const service = createDataService(load);
    const half = settingsWith({ data: { ownTextWeight: 1 } });
    expect((await service.openRun(half)).domains[5]!.share).toBe(0);
    expect(await service.addText('mine.txt', ownText)).toEqual({
      name: 'mine.txt',
      bytes: ownText.length,
    });
    const { domains, training } = await service.openRun(half);
    expect(domains[5]).toMatchObject({ share: 0.5, source: 'mine.txt' });
    const seen = new Set<number>();
    for (let index = 0; index < 4; index++) {
      for (const domain of (await training.next()).domains) seen.add(domain);
    }
    expect(seen).toContain(5);
    await service.removeText();
    expect((await service.openRun(half)).domains[5]!.share).toBe(0);
  });

  test('keeps the text that it has when the next one is refused', async () => {
    const service = createDataService(load);
    await service.addText('mine.txt', ownText);
    await expect(service.addText('bad.bin', new Uint8Array(9))).rejects.toMatchObject({
      name: 'TextError',
    });
    expect((await service.openRun(onlyOwn)).domains[5]!.source).toBe('mine.txt');
  });

  test('says so when there is nothing to train on, or a token is no byte', async () => {
    const service = createDataService(load);
    await expect(service.openRun(onlyOwn)).rejects.toThrow('There is nothing to train on.');
    const later = settingsWith({ phase2: { ...mine, startsAt: 7 } });
    await expect(service.openRun(later)).rejects.toThrow('nothing to train on from step 7 on.');
    const small = settingsWith({ model: { vocabSize: 100 } });
    await expect(service.openRun(small)).rejects.toMatchObject({
      name: 'ConfigError',
      message: 'model.vocabSize: 100 is below 256; a token is a byte',
    });
  });
});
