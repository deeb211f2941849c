import { describe, expect, it } from 'vitest';
import type { MetricValues } from '@/engine/config/metrics';
import { SpiedGpu } from '../support/spiedGpu';
import {
  localData,
  openTrainers,
  type Recorded,
  tinyExperiment,
  trainPast,
} from '../support/trainer';

const record = openTrainers();

/** The last scalars told for each step, but for those of the clock: a run that went back tells some steps twice. */
function scalarsByStep({ of }: Recorded): Map<number, MetricValues> {
  return new Map(
    of('metrics').flatMap(({ step, values }) => {
      const { 'train.stepTime': _, 'train.tokensPerSecond': __, ...scalars } = values;
      return scalars['train.loss'] === undefined ? [] : [[step, scalars] as const];
    }),
  );
}

describe('a lost device', () => {
  it('goes on from the last checkpoint with the same numbers as a run that never lost it', async () => {
    const undisturbed = record();
    await undisturbed.trainer.start(tinyExperiment());
    await trainPast(undisturbed, 60);
    const want = scalarsByStep(undisturbed);

    const spy = new SpiedGpu();
    const run = record(localData(), () => spy.gpu);
    await run.trainer.start(tinyExperiment());
    await trainPast(run, 40);
    await run.trainer.play();
    spy.lose();
    const { lostAt, resumedAt, reason } = await run.next('recovered');
    expect(resumedAt).toBe(25);
    expect(lostAt).toBeGreaterThanOrEqual(40);
    expect(reason).not.toBe('');
    await run.next(
      'metrics',
      ({ step, values }) => step >= 60 && values['train.loss'] !== undefined,
    );
    await run.trainer.pause();
    expect(run.of('failed')).toEqual([]);
    const got = scalarsByStep(run);
    for (let step = 1; step <= 60; step++)
      expect(got.get(step), `step ${step}`).toEqual(want.get(step));
    expect(Object.keys(want.get(60)!)).toContain('train.spikes');
    expect(spy.devices.length).toBe(2);
  });
});

describe('a step that is not a number', () => {
  it('stops, names the first tensor, keeps the weights of before, and can go back', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    for (let step = 0; step < 26; step++) await run.trainer.step();
    // rates and decays far beyond what any run bears: the weights grow past float32 within a few steps
    await run.trainer.change('optimizer.adamwLearningRate', 1);
    await run.trainer.change('loss.zWeight', 1);
    await run.trainer.change('schedule.warmupSteps', 0);
    await run.trainer.change('optimizer.muonLearningRate', 1);
    await run.trainer.change('optimizer.muonWeightDecay', 10);
    await run.trainer.change('optimizer.adamwWeightDecay', 10);
    await run.trainer.play();
    const failure = await run.next('failed');
    expect(failure.name).toBe('NotFiniteError');
    expect(failure.tensor).toMatch(/\w/);
    expect(failure.message).toContain(failure.tensor);
    expect(failure.checkpointStep).toBe(25);
    expect(run.of('phase').at(-1)!.phase).toBe('stopped');

    run.told.length = 0;
    expect(await run.trainer.rewind()).toBe(25);
    // what broke it is forgotten: the steps that failed now go well
    for (let step = 26; step <= 40; step++) await run.trainer.step();
    expect(run.of('metrics').at(-1)!.step).toBe(40);
    expect(run.losses().every(Number.isFinite)).toBe(true);
    expect(run.of('failed')).toEqual([]);
    expect((await run.trainer.reset()).experiment.timeline).toEqual([]);
  });
});
