import { describe, expect, it } from 'vitest';
import { settled } from '../support/settled';
import { SpiedGpu } from '../support/spiedGpu';
import { localData, openTrainers, tinyExperiment, trainPast } from '../support/trainer';

const record = openTrainers();

describe('trainer', () => {
  it('learns, tells every step once and in order, and stops when it is told to', async () => {
    const run = record();
    const info = await run.trainer.start(tinyExperiment());
    expect(info.mixtureLayers).toEqual([1, 2, 3]);
    await trainPast(run, 60);
    const steps = run
      .of('metrics')
      .flatMap(({ step, values }) => (values['train.loss'] === undefined ? [] : [step]));
    expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
    const losses = run.losses();
    const mean = (part: number[]) => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(losses.slice(-10))).toBeLessThan(mean(losses.slice(0, 5)) - 1);
    const values = run.of('metrics').flatMap((told) => Object.values(told.values));
    expect(values.every(Number.isFinite)).toBe(true);
    const { length } = run.told;
    await settled(run.trainer.pause());
    expect(run.told.length).toBe(length);
    expect(run.of('phase').at(-1)).toEqual({ phase: 'paused', step: steps.length });
  });

  it('obeys the last word where play, pause and step come in quick succession', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    for (let round = 1; round <= 8; round++) {
      await run.trainer.play();
      await run.next('metrics', ({ step }) => step >= 3 * round);
      const paused = run.trainer.pause(); // not awaited: numbers are still on their way
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, round));
      await run.trainer.play();
      const { length } = run.losses();
      await run.next('metrics', ({ step }) => step > length + 2);
      await run.trainer.pause();
      await paused;
      const before = run.losses().length;
      await Promise.all([run.trainer.step(), run.trainer.step()]);
      expect(run.losses().length).toBe(before + 2);
    }
    expect(run.of('phase').at(-1)!.phase).toBe('paused');
  });

  it('gives equal bits twice, however the steps are asked for, and again after a reset', async () => {
    const experiment = tinyExperiment({
      probes: { evalEvery: 7, needleEvery: 11, needleTrials: 2, sampleEvery: 9 },
    });
    const first = record();
    await first.trainer.start(experiment);
    await trainPast(first, 50);
    const want = first.losses().slice(0, 50);

    const second = record();
    await second.trainer.start({
      ...experiment,
      changes: { ...experiment.changes, probes: tinyExperiment().changes.probes! },
    });
    await second.trainer.watch({
      load: true,
      domains: true,
      bias: true,
      attention: { layer: 3, head: 1, sequence: 1 },
      kernels: false,
    });
    for (let step = 0; step < 5; step++) await second.trainer.step();
    await trainPast(second, 50);
    expect(second.losses().slice(0, 50)).toEqual(want);

    await first.trainer.reset();
    first.told.length = 0;
    await trainPast(first, 50);
    expect(first.losses().slice(0, 50)).toEqual(want);
  });

  it('takes a live change at the next step, tells it, and replays it from the experiment', async () => {
    const first = record();
    await first.trainer.start(tinyExperiment({ balance: { kind: 'none' } }));
    for (let step = 0; step < 3; step++) await first.trainer.step();
    const change = await first.trainer.change('balance.kind', 'smebu');
    expect(change).toEqual({ step: 3, path: 'balance.kind', from: 'none', to: 'smebu' });
    await first.trainer.change('optimizer.muonLearningRate', 0.05);
    for (let step = 0; step < 4; step++) await first.trainer.step();
    expect(first.of('changed').length).toBe(2);

    const second = record();
    const experiment = tinyExperiment({ balance: { kind: 'none' } });
    await second.trainer.start({ ...experiment, timeline: first.of('changed') });
    for (let step = 0; step < 7; step++) await second.trainer.step();
    expect(second.losses()).toEqual(first.losses());
    expect(second.of('changed')).toEqual(first.of('changed'));
  });

  it('refuses to change in mid-run what makes a new run', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    await expect(run.trainer.change('model.width', 32)).rejects.toThrow(
      'model.width: starts a new run',
    );
    await expect(run.trainer.change('balance.beta', 2)).rejects.toThrow(
      'balance.beta: want 0 to 0.9999, got 2',
    );
  });

  it('tells what is watched, and nothing else', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    await run.trainer.step();
    for (const event of ['load', 'bias', 'domains', 'attention'] as const)
      expect(run.of(event)).toEqual([]);
    await run.trainer.watch({
      load: true,
      domains: true,
      bias: true,
      attention: { layer: 3, head: 1, sequence: 1 },
      kernels: false,
    });
    await run.trainer.step();
    const [load] = run.of('load');
    const tokens = 2 * 32;
    // every layer sends every token to two experts
    for (let row = 0; row < 3; row++) {
      expect(load!.counts.slice(row * 4, row * 4 + 4).reduce((a, b) => a + b, 0)).toBe(2 * tokens);
    }
    const [domains] = run.of('domains');
    expect(domains!.tokens.reduce((a, b) => a + b, 0)).toBe(tokens);
    expect(domains!.counts.reduce((a, b) => a + b, 0)).toBe(3 * 2 * tokens);
    const [bias] = run.of('bias');
    expect(bias!.bias.length).toBe(12);
    for (let row = 0; row < 3; row++) {
      expect(
        Math.abs(bias!.bias.slice(row * 4, row * 4 + 4).reduce((a, b) => a + b, 0)),
      ).toBeLessThan(1e-6);
    }
    const [view] = run.of('attention');
    for (let i = 0; i < 32; i++) {
      const row = view!.weights.slice(i * 32, (i + 1) * 32);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      row.forEach((weight, j) => {
        if (j > i || view!.documents[j] !== view!.documents[i]) expect(weight).toBe(0);
      });
    }
  });

  it('measures held-out text, needles and samples while it trains', async () => {
    const run = record();
    const probes = {
      evalEvery: 5,
      needleEvery: 4,
      needleTrials: 3,
      sampleEvery: 6,
      sampleLength: 20,
    };
    await run.trainer.start(tinyExperiment({ probes }));
    await run.trainer.play();
    const sample = await run.next('sample');
    expect(sample.step).toBeGreaterThanOrEqual(6 - 3);
    expect(sample.prompt).toBe('The captain ');
    const grid = await run.next('needles', ({ isComplete }) => isComplete);
    expect(grid.lengths.at(-1)).toBeGreaterThanOrEqual(4 * grid.trainingLength);
    expect([...grid.accuracy].every((a) => a >= 0 && a <= 1)).toBe(true);
    expect([...grid.logProbability].every((p) => p < 0)).toBe(true);
    const held = await run.next(
      'metrics',
      ({ values }) => values['eval.bitsPerByte'] !== undefined,
    );
    expect(held.values['eval.bitsPerByte']).toBeCloseTo(
      held.values['eval.crossEntropy']! / Math.LN2,
      10,
    );
    expect(held.values['router.globalMaxVio']).toBeGreaterThan(0);
    await run.trainer.pause();
  });

  it('evaluates with the balancer of now', async () => {
    const run = record();
    await run.trainer.start(
      tinyExperiment({ balance: { kind: 'none' }, probes: { evalEvery: 1 } }),
    );
    const globalMaxVio = async (step: number) => {
      await run.trainer.step();
      const told = await run.next(
        'metrics',
        (event) => event.step === step && event.values['router.globalMaxVio'] !== undefined,
      );
      return told.values['router.globalMaxVio'];
    };
    expect(await globalMaxVio(1)).toBeGreaterThan(0);
    await run.trainer.change('balance.kind', 'forced'); // deals tokens out in turn
    expect(await globalMaxVio(2)).toBe(0);
  });

  it('generates the same text for the same seed, also while paused', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    const request = { prompt: 'The ', temperature: 1, length: 30, seed: 5 };
    const first = await run.trainer.generate(request);
    const second = await run.trainer.generate(request);
    expect(second.text).toBe(first.text);
    expect((await run.trainer.generate({ ...request, seed: 6 })).text).not.toBe(first.text);
    expect(await run.trainer.generate({ ...request, prompt: '', length: 1 })).toMatchObject({
      prompt: '',
    });
  });

  it('writes texts that were asked for together one after the other', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment());
    const request = { prompt: 'The ', temperature: 1, length: 24, seed: 5 };
    const alone = await run.trainer.generate(request);
    const [first, other, again] = await Promise.all([
      run.trainer.generate(request),
      run.trainer.generate({
        ...request,
        prompt: 'A much longer prompt than the other, ',
        seed: 6,
      }),
      run.trainer.generate(request),
    ]);
    expect([first.text, again.text]).toEqual([alone.text, alone.text]);
    expect(other.text).not.toBe(alone.text);
  });

  it('pauses without waiting for the needles, which go on', async () => {
    const run = record();
    await run.trainer.start(tinyExperiment({ probes: { needleTrials: 64 } }));
    await run.trainer.play();
    await run.trainer.probeNeedles();
    await run.trainer.pause();
    expect(run.of('phase').at(-1)!.phase).toBe('paused');
    expect(run.of('needles').some(({ isComplete }) => isComplete)).toBe(false);
    await run.trainer.step();
    await run.next('needles', ({ isComplete }) => isComplete);
  });

  it('keeps the device and its compiled kernels from run to run', async () => {
    const spy = new SpiedGpu();
    const run = record(localData(), () => spy.gpu);
    await run.trainer.start(tinyExperiment());
    await run.trainer.step();
    spy.forget();
    await run.trainer.reset();
    await run.trainer.step();
    expect(spy.devices.length).toBe(1);
    expect(spy.calls.get('createComputePipelineAsync') ?? 0).toBe(0);
  });
});
