import { afterEach, describe, expect, it } from 'vitest';
import type { AttentionView, RunInfo } from '@/engine/train/commands';
import { type Client, connect } from '@/worker/client';
import { type Emit, serve } from '@/worker/host';
import type { Commands, Port } from '@/worker/protocol';

const opened: MessagePort[] = [];

function line(commands: Partial<Commands>): { client: Client; emit: Emit } {
  const { port1, port2 } = new MessageChannel();
  opened.push(port1, port2);
  const emit = serve(port1 as unknown as Port, commands as Commands);
  return { client: connect(port2 as unknown as Port), emit };
}

/** The next event of that kind. */
const next = <K extends Parameters<Client['on']>[0]>(client: Client, event: K) =>
  new Promise<Parameters<Parameters<Client['on']>[1]>[0]>((resolve) => {
    const stop = client.on(event, (data) => {
      stop();
      resolve(data);
    });
  });

afterEach(() => {
  for (const port of opened.splice(0)) port.close();
});

describe('the line between page and worker', () => {
  it('carries calls with arguments and results, each to its own caller', async () => {
    const { client } = line({
      rewind: async () => 40,
      addText: async (name, bytes) => ({ name, bytes: bytes.length }),
    });
    const [step, report] = await Promise.all([
      client.rewind(),
      client.addText('a.txt', new Uint8Array(3)),
    ]);
    expect(step).toBe(40);
    expect(report).toEqual({ name: 'a.txt', bytes: 3 });
  });

  it('calls methods on the object that has them', async () => {
    class Counter {
      steps = 0;
      async step() {
        this.steps += 1;
      }
    }
    const counter = new Counter();
    const { client } = line(counter);
    await client.step();
    expect(counter.steps).toBe(1);
  });

  it('moves the bytes of a text and leaves a part of a larger buffer alone', async () => {
    const { client } = line({ addText: async (name, bytes) => ({ name, bytes: bytes.length }) });
    const whole = new Uint8Array([1, 2, 3]);
    const part = new Uint8Array([1, 2, 3]).subarray(1);
    await client.addText('whole', whole);
    expect(whole.byteLength).toBe(0);
    expect(await client.addText('part', part)).toEqual({ name: 'part', bytes: 2 });
    expect(part.byteLength).toBe(2);
  });

  it('carries an error by class name, message and plain fields', async () => {
    class LimitError extends Error {
      override readonly name = 'LimitError';
      readonly limit = 'maxBufferSize';
      readonly need = 5e9;
      readonly device = { not: 'plain' };
    }
    const { client } = line({
      start: async () => {
        throw new LimitError('too large');
      },
    });
    const error = await client.start({ preset: 'micro', changes: {}, timeline: [] }).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'LimitError',
      message: 'too large',
      limit: 'maxBufferSize',
      need: 5e9,
    });
    expect(error).not.toHaveProperty('device');
  });

  it('carries what is thrown without being an error', async () => {
    const { client } = line({
      play: async () => {
        throw 'words';
      },
    });
    await expect(client.play()).rejects.toMatchObject({ name: 'Error', message: 'words' });
  });

  it('moves the bytes of a checkpoint, both ways', async () => {
    const saved = new Map([['config.json', new Uint8Array([1, 2])]]);
    let loaded: ReadonlyMap<string, Uint8Array> | undefined;
    const { client } = line({
      save: async () => saved,
      load: async (files) => {
        loaded = files;
        return {} as RunInfo;
      },
    });
    const files = await client.save();
    expect(files).toEqual(new Map([['config.json', new Uint8Array([1, 2])]]));
    expect(saved.get('config.json')!.length).toBe(0);
    await client.load(files);
    expect(loaded).toEqual(new Map([['config.json', new Uint8Array([1, 2])]]));
    expect(files.get('config.json')!.length).toBe(0);
  });

  it('answers a command that is not there with an error', async () => {
    const { client } = line({});
    await expect(client.pause()).rejects.toMatchObject({ name: 'TypeError' });
  });

  it('tells events in order until a listener stops', async () => {
    const { client, emit } = line({});
    const steps: number[] = [];
    const stop = client.on('metrics', ({ step }) => steps.push(step));
    emit('metrics', { step: 1, values: {} });
    const second = next(client, 'metrics');
    await second;
    stop();
    const third = next(client, 'metrics');
    emit('metrics', { step: 2, values: {} });
    await third;
    expect(steps).toEqual([1]);
  });

  it('moves the arrays of an attention map and copies small ones', async () => {
    const { client, emit } = line({});
    const weights = new Float32Array([1, 0, 0.5, 0.5]);
    const counts = new Uint32Array([3, 5]);
    const view = next(client, 'attention');
    emit('attention', { weights, size: 2 } as unknown as AttentionView);
    expect(await view).toMatchObject({ weights: new Float32Array([1, 0, 0.5, 0.5]) });
    expect(weights.length).toBe(0);
    const load = next(client, 'load');
    emit('load', { step: 1, counts, maxVio: new Float32Array(1) });
    expect(await load).toMatchObject({ counts: new Uint32Array([3, 5]) });
    expect(counts.length).toBe(2);
  });

  it('rejects calls that wait and calls that come after the other end is gone', async () => {
    const { client } = line({ pause: () => new Promise(() => {}) });
    const waiting = client.pause();
    client.close(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(client.play()).rejects.toThrow('gone');
  });
});
