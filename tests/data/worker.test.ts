import { afterEach, describe, expect, test } from 'vitest';
import { defaultSettings, type Settings } from '@/engine/config/settings';
import type { Batch, BatchSource } from '@/engine/data/batch';
import type { CorpusId } from '@/engine/data/domains';
import { createDataService, type DataService } from '@/engine/data/service';
import { connectData } from '@/worker/dataClient';
import { serveData } from '@/worker/dataHost';
import type { DataPort } from '@/worker/dataProtocol';
import { corpora, ownText, settingsWith } from './texts';

const load = async (id: CorpusId) => corpora[id]!;
const opened: MessagePort[] = [];

/** A client and a host on the two ends of a channel; `service` is what the host runs. */
function line(service: DataService = createDataService(load)) {
  const { port1, port2 } = new MessageChannel();
  opened.push(port1, port2);
  const bases: string[] = [];
  serveData(port1 as unknown as DataPort, (baseUrl) => {
    bases.push(baseUrl);
    return service;
  });
  const clientPort = port2 as unknown as DataPort;
  return { data: connectData(clientPort, 'https://lab.example/sub/'), bases, clientPort };
}

/** A service whose stream counts the batches that were made, and can be told to break. */
function counting() {
  const inner = createDataService(load);
  const seen = { made: 0, breaksAt: Infinity };
  const service: DataService = {
    ...inner,
    openRun: async (settings: Settings) => {
      const run = await inner.openRun(settings);
      const training: BatchSource = {
        next: async () => {
          if (seen.made === seen.breaksAt) throw new RangeError('no more');
          seen.made++;
          return run.training.next();
        },
        cursor: () => run.training.cursor(),
        seek: (cursor) => run.training.seek(cursor),
      };
      return { ...run, training };
    },
  };
  return { service, seen };
}

/** Lets messages that are under way arrive. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

async function take(source: BatchSource, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let index = 0; index < count; index++) batches.push(await source.next());
  return batches;
}

afterEach(() => {
  for (const port of opened.splice(0)) port.close();
});

describe('the data worker', () => {
  test('gives the same run as a service in the same thread', async () => {
    const { data, bases } = line();
    const local = await createDataService(load).openRun(defaultSettings);
    const remote = await data.openRun(defaultSettings);
    expect(bases).toEqual(['https://lab.example/sub/']);
    expect(remote.domains).toEqual(local.domains);
    expect(remote.heldOut).toEqual(local.heldOut);
    expect(await take(remote.training, 20)).toEqual(await take(local.training, 20));
  });

  test('makes a few batches ahead and waits until they are taken', async () => {
    const { service, seen } = counting();
    const { training } = await line(service).data.openRun(defaultSettings);
    await settled();
    expect(seen.made).toBe(4);
    await take(training, 3);
    await settled();
    expect(seen.made).toBe(7);
  });

  test('has the position of who takes, not of who makes', async () => {
    const local = (await createDataService(load).openRun(defaultSettings)).training;
    const { training } = await line().data.openRun(defaultSettings);
    await settled();
    expect(await training.cursor()).toEqual(await local.cursor());
    await take(training, 5);
    await take(local, 5);
    await settled();
    expect(await training.cursor()).toEqual(await local.cursor());
  });

  test('goes on from a cursor, whatever was made ahead', async () => {
    const { training } = await line().data.openRun(defaultSettings);
    const start = await training.cursor();
    const first = await take(training, 3);
    const cursor = await training.cursor();
    const expected = await take(training, 6);
    await training.seek(cursor);
    expect(await training.cursor()).toEqual(cursor);
    expect(await take(training, 6)).toEqual(expected);
    // Without a pause in between, and twice over.
    const again = training.seek(start);
    const twice = training.seek(start);
    const batches = take(training, 3);
    await Promise.all([again, twice]);
    expect(await batches).toEqual(first);
  });

  test('stays where it is when a cursor is refused', async () => {
    const local = (await createDataService(load).openRun(defaultSettings)).training;
    const { training } = await line().data.openRun(defaultSettings);
    await take(training, 2);
    await expect(training.seek({ stream: 'other' })).rejects.toMatchObject({
      name: 'CursorError',
    });
    await take(local, 2);
    expect(await take(training, 8)).toEqual(await take(local, 8));
  });

  test('answers overlapping calls in their order', async () => {
    const local = (await createDataService(load).openRun(defaultSettings)).training;
    const { training } = await line().data.openRun(defaultSettings);
    const all = await Promise.all(Array.from({ length: 9 }, () => training.next()));
    expect(all).toEqual(await take(local, 9));
  });

  test('closes a run when the next one is opened', async () => {
    const { data } = line();
    const first = await data.openRun(defaultSettings);
    const second = await data.openRun(settingsWith({ run: { seed: 9 } }));
    const wait = async () => {
      await take(first.training, 5);
    };
    await expect(wait()).rejects.toThrow('closed by a newer one');
    await expect(first.training.seek(null)).rejects.toThrow('closed by a newer one');
    expect((await second.training.next()).tokens.length).toBe(1024);
  });

  test('keeps the run that is open when the next one cannot be opened', async () => {
    const { data } = line();
    const { training } = await data.openRun(defaultSettings);
    await expect(data.openRun(settingsWith({ model: { vocabSize: 7 } }))).rejects.toThrow('256');
    expect(await take(training, 9)).toHaveLength(9);
  });

  test('carries errors with their class name and message', async () => {
    const { data } = line();
    await expect(data.addText('a.bin', new Uint8Array(4))).rejects.toMatchObject({
      name: 'TextError',
      message: expect.stringContaining('a.bin was not added.'),
    });
  });

  test('takes the text of the visitor for the runs that follow', async () => {
    const { data } = line();
    const settings = settingsWith({ data: { ownTextWeight: 1 } });
    const bytes = ownText.slice();
    expect(await data.addText('mine.txt', bytes)).toEqual({
      name: 'mine.txt',
      bytes: ownText.length,
    });
    expect(bytes.length).toBe(0); // moved, not copied
    expect((await data.openRun(settings)).domains[5]!.share).toBe(0.5);
    await data.removeText();
    expect((await data.openRun(settings)).domains[5]!.share).toBe(0);
  });

  test('gives what was made before a stream broke, then the reason, and can go on from a cursor', async () => {
    const { service, seen } = counting();
    seen.breaksAt = 2;
    const { training } = await line(service).data.openRun(defaultSettings);
    const start = await training.cursor();
    const batches = await take(training, 2);
    await expect(training.next()).rejects.toMatchObject({ name: 'RangeError', message: 'no more' });
    await expect(training.next()).rejects.toThrow('no more');
    seen.breaksAt = Infinity;
    await training.seek(start);
    expect(await take(training, 2)).toEqual(batches);
  });

  test('tells everyone who waits when its script has failed', async () => {
    const silent = { postMessage: () => undefined, onmessage: null } as DataPort;
    const data = connectData(silent, 'https://lab.example/');
    const run = data.openRun(defaultSettings);
    silent.onerror!({ message: 'no such file' } as ErrorEvent);
    await expect(run).rejects.toThrow('The data worker stopped: no such file');
    await expect(data.removeText()).rejects.toThrow('The data worker stopped: no such file');
  });
});
