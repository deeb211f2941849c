/** @file Real runs in a process of their own: JSON lines, the exact step, interruption, no adapter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeLink, metrics } from '@/engine/index';
import { recordedTrainer, tinyExperiment } from '../support/trainer';
import { labProcess } from './lab';

const folder = mkdtempSync(join(tmpdir(), 'lab-train-'));
afterAll(() => rmSync(folder, { recursive: true }));

const experiment = tinyExperiment({
  probes: { evalEvery: 5, sampleEvery: 15, sampleLength: 3, needleTrials: 2 },
});
const file = join(folder, 'tiny.json');
writeFileSync(file, JSON.stringify(experiment));

type Line = { readonly event: string; readonly step: number } & Record<string, unknown>;
const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('train', () => {
  it('takes exactly the steps asked for and writes what it measured, as a trainer tells it', async () => {
    const path = join(folder, 'run.jsonl');
    const args = ['train', file, '--steps', '15', '--metrics', path, '--needles'];
    const { code, out, err } = await labProcess(args);
    expect(code, err).toBe(0);
    expect(err).toContain('step 15 of 15 · loss');
    expect(out).toMatch(/^step 15 · loss [\d.]+ nats/);
    expect(out).toContain('Needles after step 15: 1 key, 2 trials a cell');

    const lines = linesOf(path);
    expect(lines[0]).toMatchObject({
      event: 'start',
      preset: 'micro',
      link: encodeLink(experiment),
    });
    expect(lines.at(-1)).toEqual({ event: 'end', step: 15, isInterrupted: false });
    const of = (event: string) => lines.filter((line) => line.event === event);
    const steps = of('metrics').filter((line) => 'train.loss' in line);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    const names = new Set(of('metrics').flatMap((line) => Object.keys(line)));
    for (const name of names) {
      if (name !== 'event' && name !== 'step') expect(Object.keys(metrics)).toContain(name);
    }
    expect(of('metrics').flatMap((line) => ('eval.bitsPerByte' in line ? line.step : []))).toEqual([
      5, 10, 15,
    ]);
    expect(of('load')).toHaveLength(15);
    expect(of('load')[0]).toMatchObject({ step: 1, maxVio: Array(3).fill(expect.any(Number)) });
    expect(of('sample').map(({ step }) => step)).toEqual([15]);
    expect(of('needles')).toHaveLength(1);
    expect(of('needles')[0]).toMatchObject({ firstStep: 15, step: 15, trials: 2 });

    const same = recordedTrainer();
    await same.trainer.start(experiment);
    for (let step = 0; step < 15; step++) await same.trainer.step();
    expect(steps.map((line) => line['train.loss'])).toEqual(same.losses());
    await same.trainer.close();
  });

  it('ends cleanly at Ctrl-C: without a number of steps that is its way to end', async () => {
    const path = join(folder, 'open.jsonl');
    const { code, out, err } = await labProcess(
      ['train', file, '--metrics', path],
      {},
      interruptAt1,
    );
    expect(code, err).toBe(0);
    const end = linesOf(path).at(-1)!;
    expect(end).toMatchObject({ event: 'end', isInterrupted: true });
    expect(out).toContain(`step ${end.step.toLocaleString('en-US')} · loss`);
  });

  it('says with 130 that it was interrupted before the step asked for', async () => {
    const args = ['train', file, '--steps', '1000000'];
    const { code, err } = await labProcess(args, {}, interruptAt1);
    expect(code, err).toBe(130);
  });

  it('ends with 1 and one line where there is no adapter', async () => {
    const driver = join(folder, 'none.json');
    const { code, out, err } = await labProcess(['train', file], { LAB_VK_ICD: driver });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(`lab: LAB_VK_ICD names ${driver}, and Dawn gets no adapter from it.\n`);
  });

  it('ends with 1 and the reason where a step is not a number', async () => {
    // A decay of ten times the weights turns them over and ninefold at every step.
    const args = ['train', file, '--steps', '60', '--set', 'optimizer.adamwLearningRate=1'];
    const hot = ['optimizer.embeddingWeightDecay=10', 'schedule.warmupSteps=0'];
    const { code, err } = await labProcess([...args, ...hot.map((text) => `--set=${text}`)]);
    expect(code, err).toBe(1);
    expect(err).toMatch(/^lab: Step \d+ is not a number, first in .+$/m);
  });
});

/** Interrupts once the first step was told. */
function interruptAt1(soFar: string, interrupt: () => void): void {
  if (/^step 1\b/m.test(soFar)) interrupt();
}
