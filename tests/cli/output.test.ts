/** @file What a run looks like: the bar on a terminal, the lines of a log, the needle table. */
import { describe, expect, it } from 'vitest';
import { needleTable } from '@/cli/needleTable';
import { byteSize, clock } from '@/cli/numbers';
import { Progress } from '@/cli/progress';
import { keptStream } from './lab';

const metrics = (step: number, loss: number) => ({
  step,
  values: { 'train.loss': loss, 'train.stepTime': 1000 },
});

describe('progress', () => {
  it('is a bar on a terminal that is taken away at the end', () => {
    const stream = keptStream({ isTTY: true, columns: 80 });
    const progress = new Progress(stream, 100);
    progress.told('phase', {
      phase: 'preparing',
      step: 0,
      progress: { label: 'Compiling kernels', done: 3, total: 41 },
    });
    progress.told('metrics', metrics(50, 2.5));
    progress.told('metrics', metrics(51, 2.4));
    progress.close();
    // The second step follows at once: it is not drawn.
    const [, compiling, half, end] = stream.text.split('\r');
    expect(compiling).toBe('Compiling kernels, 3 of 41\x1b[K');
    expect(half).toBe(
      `${'█'.repeat(10)}${'░'.repeat(10)} step 50 of 100 · loss 2.5000 nats · 0:50 left\x1b[K`,
    );
    expect(end).toBe('\x1b[K');
  });

  it('never wraps: a bar that does is not drawn over but below', () => {
    const stream = keptStream({ isTTY: true, columns: 30 });
    new Progress(stream, 100).told('metrics', metrics(50, 2.5));
    expect(stream.text).toHaveLength('\r'.length + 29 + '\x1b[K'.length);
  });

  it('is about fifty lines in a log, the first and the last step among them', () => {
    const stream = keptStream();
    const progress = new Progress(stream, 1000);
    for (let step = 1; step <= 1000; step++) progress.told('metrics', metrics(step, 1 / step));
    const lines = stream.text.trimEnd().split('\n');
    expect(lines).toHaveLength(51);
    expect(lines[0]).toBe('step 1 of 1,000 · loss 1.0000 nats');
    expect(lines[1]).toBe('step 20 of 1,000 · loss 0.0500 nats');
    expect(lines.at(-1)).toBe('step 1,000 of 1,000 · loss 0.0010 nats');
  });

  it('tells of live changes and of a device that came back', () => {
    const stream = keptStream();
    const progress = new Progress(stream, undefined);
    progress.told('changed', { step: 40, path: 'balance.kind', from: 'none', to: 'sign' });
    progress.told('recovered', { lostAt: 90, resumedAt: 50, reason: 'gone' });
    expect(stream.text).toBe(
      'step 40: balance.kind is sign from here on\n' +
        'device lost at step 90 (gone); goes on from step 50\n',
    );
  });
});

describe('the needle table', () => {
  it('has depths down and lengths across, marks the training length and tells both means', () => {
    const table = needleTable({
      firstStep: 300,
      step: 300,
      keys: 1,
      trials: 4,
      lengths: [32, 64, 128],
      depths: [0, 1],
      accuracy: Float32Array.of(1, 0.5, 0, 1, 1, 0.25),
      logProbability: new Float32Array(6),
      trainingLength: 64,
      isComplete: true,
    });
    expect(table.split('\n')).toEqual([
      'Needles after step 300: 1 key, 4 trials a cell, per cent found.',
      'depth        32*     64*     128',
      '0.00       100.0    50.0     0.0',
      '1.00       100.0   100.0    25.0',
      'mean       100.0    75.0    12.5',
      '* within the training length of 64: 87.5 %; beyond it: 12.5 %',
      '',
    ]);
  });
});

describe('numbers', () => {
  it('are bytes and times as a person writes them', () => {
    expect([0, 1023, 1024, 28_753_440, 3 * 2 ** 40].map(byteSize)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '27.4 MiB',
      '3.0 TiB',
    ]);
    expect([0, 59.6, 3723].map(clock)).toEqual(['0:00', '1:00', '1:02:03']);
  });
});
