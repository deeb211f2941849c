/** @file A run saved, loaded and continued against one that never stopped: equal to the bit. */
import { describe, expect, it } from 'vitest';
import type { Experiment } from '@/engine/config/experiment';
import type { SettingsChanges } from '@/engine/config/settings';
import { readTensors } from '@/engine/files/folder';
import type { CheckpointFiles } from '@/engine/train/commands';
import { openTrainers, type Recorded, tinyExperiment, trainPast } from '../support/trainer';

const record = openTrainers();

async function steps({ trainer }: Recorded, count: number): Promise<void> {
  for (let step = 0; step < count; step++) await trainer.step();
}

/** Every tensor of both files, as the bits of its values. */
function bitsOf(files: CheckpointFiles): Map<string, string> {
  return new Map(
    ['model', 'optimizer'].flatMap((stem) =>
      [...readTensors(files, stem)].map(([name, { bytes, shape }]) => [
        `${stem}: ${name} [${shape}]`,
        Buffer.from(bytes).toString('base64'),
      ]),
    ),
  );
}

const json = (files: CheckpointFiles, name: string) =>
  JSON.parse(new TextDecoder().decode(files.get(name)));

/** What a run has told of each step. */
const told = ({ of }: Recorded) =>
  new Map(
    of('metrics')
      .filter(({ values }) => values['train.loss'] !== undefined)
      .map(({ step, values }) => {
        const {
          'train.stepTime': _,
          'train.tokensPerSecond': __,
          ...same
        } = values as Record<string, number>;
        return [step, same] as const;
      }),
  );

async function expectSameAfterResume(
  experiment: Experiment,
  stop: number,
  end: number,
  onStep: (run: Recorded, step: number) => Promise<unknown> = async () => {},
): Promise<void> {
  const whole = record();
  await whole.trainer.start(experiment);
  for (let step = 0; step < end; step++) {
    await onStep(whole, step);
    await whole.trainer.step();
  }
  const want = await whole.trainer.save();

  const first = record();
  await first.trainer.start(experiment);
  for (let step = 0; step < stop; step++) {
    await onStep(first, step);
    await first.trainer.step();
  }
  const files = await first.trainer.save();
  await first.trainer.close();

  const second = record();
  const info = await second.trainer.load(files);
  expect(info.startStep).toBe(stop);
  expect(info.isImported).toBe(false);
  for (let step = stop; step < end; step++) {
    await onStep(second, step);
    await second.trainer.step();
  }
  const got = await second.trainer.save();
  const numbers = told(whole);
  for (const [step, values] of told(second))
    expect(values, `step ${step}`).toEqual(numbers.get(step));
  expect(told(second).size).toBe(end - stop);
  expect(bitsOf(got)).toEqual(bitsOf(want));
  expect(json(got, 'trainer.json')).toEqual(json(want, 'trainer.json'));
  expect(json(got, 'config.json')).toEqual(json(want, 'config.json'));
}

describe('a run that is saved, loaded in a new trainer and continued', () => {
  it('equals one that never stopped, momentum of the biases included', async () => {
    const stop = 3 + Math.floor(Math.random() * 12);
    await expectSameAfterResume(tinyExperiment(), stop, 20);
  });
});
