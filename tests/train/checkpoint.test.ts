/** @file A run saved, loaded and continued against one that never stopped: equal to the bit. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Experiment, resolve } from '@/engine/config/experiment';
import type { SettingsChanges } from '@/engine/config/settings';
import { readTensors } from '@/engine/files/folder';
import { layOutSafetensors } from '@/engine/files/safetensorsWriter';
import type { CheckpointFiles } from '@/engine/train/commands';
import { SpiedGpu } from '../support/spiedGpu';
import {
  localData,
  openTrainers,
  type Recorded,
  recordedTrainer,
  tinyExperiment,
} from '../support/trainer';

const record = openTrainers();

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

const anyStep = (from: number, to: number) => from + Math.floor(Math.random() * (to - from));

/** Its sizes are the tiny ones, its mechanisms those of a preset. */
const tiny = (preset: string, changes: SettingsChanges = {}): Experiment => ({
  ...tinyExperiment(changes),
  preset,
});

describe('a run that is saved, loaded in a new trainer and continued', () => {
  it('equals one that never stopped, momentum of the biases included', async () => {
    await expectSameAfterResume(tinyExperiment(), anyStep(3, 15), 20);
  });

  it('equals it where settings change before and after, also at the step of the save itself', async () => {
    const experiment = {
      ...tinyExperiment({ balance: { kind: 'none' } }),
      timeline: [
        { step: 12, path: 'balance.beta', from: 0.5, to: 0.8 },
        { step: 14, path: 'loss.zWeight', from: 1e-6, to: 1e-3 },
      ] as const,
    };
    for (const stop of [7, 12]) {
      await expectSameAfterResume(experiment, stop, 17, async ({ trainer }, step) => {
        if (step === 4) await trainer.change('balance.kind', 'smebu');
        if (step === 6) await trainer.change('optimizer.muonLearningRate', 0.05);
        if (step === 15) await trainer.change('optimizer.adamwLearningRate', 1e-3);
      });
    }
  });

  it('equals it in a growing batch of shuffled and untied documents', async () => {
    const experiment = tinyExperiment({
      data: { order: 'rsdb', rsdbDocuments: 8, rsdbWorkers: 2, utkShare: 0.5 },
      schedule: { microBatches: 1, growAt: 6, grownMicroBatches: 3 },
    });
    await expectSameAfterResume(experiment, anyStep(2, 10), 11);
  });

  it.each(['hunyuan-micro', 'dots-micro'])('equals it in a run of %s', async (preset) => {
    await expectSameAfterResume(tiny(preset), anyStep(2, 8), 10);
  });

  it('equals it where it was saved while training went on', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    await run.trainer.play();
    await run.next('metrics', ({ step }) => step >= 3);
    const saves = await Promise.all([run.trainer.save(), run.trainer.save()]);
    const stop = json(saves[0]!, 'trainer.json').step;
    await run.next('metrics', ({ step }) => step >= stop + 8);
    await run.trainer.pause();
    const numbers = told(run);

    const second = record();
    await second.trainer.load(saves[0]!);
    for (let step = 0; step < 8; step++) await second.trainer.step();
    for (const [step, values] of told(second)) expect(values).toEqual(numbers.get(step));
    expect(told(second).size).toBe(8);
  });

  it('is the same run in many shards', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    await run.trainer.step();
    const whole = await run.trainer.save();
    expect([...whole.keys()]).toEqual([
      'config.json',
      'trainer.json',
      'model.safetensors',
      'optimizer.safetensors',
    ]);
    const sharded = new Map(whole);
    for (const stem of ['model', 'optimizer']) {
      const tensors = readTensors(whole, stem);
      const list = [...tensors].map(([name, { shape }]) => ({ name, shape }));
      const { files, places } = layOutSafetensors(stem, list, 4096);
      expect(files.size).toBeGreaterThan(3);
      for (const [name, { bytes }] of tensors) places.get(name)!.set(bytes);
      sharded.delete(`${stem}.safetensors`);
      for (const [name, file] of files) sharded.set(name, file);
    }
    const second = record();
    await second.trainer.load(sharded);
    expect(bitsOf(await second.trainer.save())).toEqual(bitsOf(whole));
  });
});

describe('a loaded run', () => {
  const stop = 5;
  let files: CheckpointFiles;
  /** What the run that was saved told of the steps after. */
  let neverStopped: ReturnType<typeof told>;
  beforeAll(async () => {
    const run = recordedTrainer();
    await run.trainer.start(tinyExperiment());
    for (let step = 0; step < stop; step++) await run.trainer.step();
    files = await run.trainer.save();
    run.told.length = 0;
    for (let step = 0; step < 3; step++) await run.trainer.step();
    neverStopped = told(run);
    await run.trainer.close();
  });

  it('stands at its step, and goes back there by reset and by rewind', async () => {
    const run = record();
    await run.trainer.load(files);
    expect(run.of('phase').at(-1)).toMatchObject({ phase: 'paused', step: stop });
    expect(run.of('metrics')[0]!.step).toBe(stop);
    for (let step = 0; step < 3; step++) await run.trainer.step();
    const want = told(run);
    expect([...want.keys()]).toEqual([6, 7, 8]);
    expect(want).toEqual(neverStopped);
    expect(await run.trainer.rewind()).toBe(stop);
    run.told.length = 0;
    for (let step = 0; step < 3; step++) await run.trainer.step();
    expect(told(run)).toEqual(want);
    const info = await run.trainer.reset();
    expect(info.startStep).toBe(stop);
    run.told.length = 0;
    for (let step = 0; step < 3; step++) await run.trainer.step();
    expect(told(run)).toEqual(want);
  });

  it('goes on from its start when the device is lost before a later checkpoint', async () => {
    const undisturbed = record();
    await undisturbed.trainer.load(files);
    for (let step = 0; step < 6; step++) await undisturbed.trainer.step();

    const spy = new SpiedGpu();
    const run = record(localData(), () => spy.gpu);
    await run.trainer.load(files);
    for (let step = 0; step < 3; step++) await run.trainer.step();
    await run.trainer.play();
    spy.lose();
    expect((await run.next('recovered')).resumedAt).toBe(stop);
    await run.next('metrics', ({ step }) => step >= stop + 6);
    await run.trainer.pause();
    const got = told(run);
    for (const [step, values] of told(undisturbed)) expect(got.get(step)).toEqual(values);
  });

  it('of somebody else’s making starts at step 0 from the weights and biases alone', async () => {
    const foreign = new Map(files);
    foreign.delete('trainer.json');
    foreign.delete('optimizer.safetensors');
    const run = record();
    const info = await run.trainer.load(foreign);
    expect(info).toMatchObject({ startStep: 0, isImported: true });
    expect(info.experiment.preset).toBe('micro');
    expect(resolve(info.experiment).model).toEqual(resolve(tinyExperiment()).model);
    const again = await run.trainer.save();
    const weights = (all: CheckpointFiles) =>
      [...bitsOf(all)].filter(([name]) => name.startsWith('model:'));
    expect(weights(again)).toEqual(weights(files));
    for (const [name, tensor] of readTensors(again, 'optimizer')) {
      const isBias = name.startsWith('expert_bias/');
      expect(
        tensor.bytes.some((byte) => byte !== 0),
        name,
      ).toBe(isBias);
    }
    await run.trainer.step();
    const kept = await run.trainer.save();
    const second = record();
    expect(await second.trainer.load(kept)).toMatchObject({ startStep: 1, isImported: true });
  });

  it('is refused whole where anything is wrong, and what ran before goes on', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    await run.trainer.play();
    await run.next('metrics', ({ step }) => step >= 2);
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const edited = (name: string, changes: object) =>
      new Map(files).set(name, text({ ...json(files, name), ...changes }));
    const without = (name: string) => {
      const rest = new Map(files);
      rest.delete(name);
      return rest;
    };
    const { cursor, experiment, stability } = json(files, 'trainer.json');
    const [preset, , timeline] = experiment.data;
    const cases: [CheckpointFiles, string, RegExp][] = [
      [new Map(), 'CheckpointError', /config.json is missing/],
      [without('model.safetensors'), 'CheckpointError', /model.safetensors is missing/],
      [without('optimizer.safetensors'), 'CheckpointError', /optimizer.safetensors is missing/],
      [edited('config.json', { hidden_size: 18 }), 'CheckpointError', /want \[256, 18\] by config/],
      [
        edited('config.json', { route_scale: 2 }),
        'CheckpointError',
        /routeScale: config.json says 2/,
      ],
      [edited('config.json', { hidden_act: 'gelu' }), 'ConfigError', /hidden_act: want silu/],
      [edited('trainer.json', { version: 2 }), 'CheckpointError', /newer version/],
      [edited('trainer.json', { format: 'x' }), 'CheckpointError', /not written by Trinity Lab/],
      [edited('trainer.json', { step: -1 }), 'CheckpointError', /step -1 is not a step/],
      [edited('trainer.json', { step: 6 }), 'CheckpointError', /stability is not that of step 6/],
      [
        edited('trainer.json', { stability: { ...stability, spikes: 'x' } }),
        'CheckpointError',
        /stability is not/,
      ],
      [edited('trainer.json', { experiment: 7 }), 'CheckpointError', /version undefined is not/],
      [
        edited('trainer.json', { experiment: { version: 1, data: [preset, 3, timeline] } }),
        'CheckpointError',
        /does not hold an experiment/,
      ],
      [
        edited('trainer.json', { experiment: { version: 1, data: ['nobody', [], []] } }),
        'CheckpointError',
        /no preset named nobody/,
      ],
      [edited('trainer.json', { cursor: 7 }), 'CheckpointError', /trainer.json: data cursor/],
      [
        edited('trainer.json', { cursor: { ...cursor, random: [0, 0, 0, 0] } }),
        'CheckpointError',
        /trainer.json: data cursor/,
      ],
    ];
    for (const [bad, name, message] of cases) {
      const error = await run.trainer.load(bad).catch((e: Error) => e);
      expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
    }
    const { step } = run.of('metrics').at(-1)!;
    await run.next('metrics', (later) => later.step > step + 2);
    await run.trainer.pause();
    expect(run.of('failed')).toEqual([]);
    const steps = [...told(run).keys()];
    expect(steps).toEqual(steps.map((_, i) => i + 1));
  });

  it('cannot be saved where there is none, or where it has stopped', async () => {
    const run = record();
    await expect(run.trainer.save()).rejects.toThrow('there is no run');
    await run.trainer.load(files);
    await run.trainer.change('optimizer.adamwLearningRate', 1);
    await run.trainer.change('loss.zWeight', 1);
    await run.trainer.change('schedule.warmupSteps', 0);
    await run.trainer.change('optimizer.muonLearningRate', 1);
    await run.trainer.change('optimizer.muonWeightDecay', 10);
    await run.trainer.change('optimizer.adamwWeightDecay', 10);
    await run.trainer.play();
    await run.next('failed');
    await expect(run.trainer.save()).rejects.toThrow('Go back to the last good one');
    expect(await run.trainer.rewind()).toBe(stop);
    expect(bitsOf(await run.trainer.save())).toEqual(bitsOf(files));
  });
});
