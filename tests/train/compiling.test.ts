import { describe, expect, it } from 'vitest';
import type { DataService } from '@/engine/data/service';
import { LimitError } from '@/engine/gpu/errors';
import { SpiedGpu } from '../support/spiedGpu';
import {
  localData,
  openTrainers,
  type Recorded,
  tinyExperiment,
  trainPast,
} from '../support/trainer';

const record = openTrainers();

/** Kernels that only a text needs, and one that the end of a step needs. */
const OF_A_TEXT = 'sampleToken main';
const OF_THE_UPDATE = 'muon.update apply';

const SHORT_TEXT = { prompt: 'a', length: 4, temperature: 0.5, seed: 1 };

/** A GPU that keeps some kernels back until they are let go. */
function heldGpu(...labels: string[]) {
  const spied = new SpiedGpu();
  const gates = labels.map((label) => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { label, open, opened };
  });
  spied.compiling = async (label) => gates.find((gate) => gate.label === label)?.opened;
  return { spied, run: record(localData(), () => spied.gpu), gates };
}

async function plainLosses(steps: number): Promise<number[]> {
  const plain = record();
  await plain.trainer.start(tinyExperiment());
  await trainPast(plain, steps);
  return plain.losses().slice(0, steps);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('a run whose kernels still compile', () => {
  it('submits what it can of its first step, waits for the rest, and has the same bits', async () => {
    const { spied, run, gates } = heldGpu(OF_THE_UPDATE, OF_A_TEXT);
    await run.trainer.start(tinyExperiment());
    spied.forget();
    await run.trainer.play();
    while (!spied.calls.get('submit')) await turn();
    await turn();
    expect(run.losses()).toEqual([]);
    expect(run.of('phase').at(-1)).toMatchObject({
      phase: 'training',
      step: 0,
      progress: { label: 'Compiling kernels' },
    });
    gates[0]!.open();
    const { values } = await run.next('metrics', ({ step }) => step === 1);
    await turn();
    // The loss is here, but the next step waits for kernels that no step needs: they may be submitted between two.
    expect(run.losses()).toHaveLength(1);
    expect(values['train.loss']).toBe(run.losses()[0]);
    gates[1]!.open();
    await trainPast(run, 12);
    expect(run.losses().slice(0, 12)).toEqual(await plainLosses(12));
    expect(run.of('phase').at(-1)).toEqual({ phase: 'paused', step: run.losses().length });
  });

  it('waits with a measurement, a text and a pause until its first step is submitted', async () => {
    const { run, gates } = heldGpu(OF_THE_UPDATE);
    const { startStep } = await run.trainer.start(tinyExperiment());
    await run.trainer.play();
    const sample = run.trainer.generate(SHORT_TEXT);
    const measured = run.trainer.evaluate();
    const paused = run.trainer.pause();
    await turn();
    expect(run.of('metrics').at(-1)!.step).toBe(startStep);
    gates[0]!.open();
    await paused;
    expect(Number.isFinite((await measured)['eval.crossEntropy'])).toBe(true);
    expect((await sample).text).toHaveLength(4);
    await trainPast(run, 6);
    expect(run.losses().slice(0, 6)).toEqual(await plainLosses(6));
  });

  it('takes a change that comes meanwhile from the next step on', async () => {
    const { spied, run, gates } = heldGpu(OF_THE_UPDATE);
    await run.trainer.start(tinyExperiment());
    spied.forget();
    await run.trainer.play();
    while (!spied.calls.get('submit')) await turn();
    const change = await run.trainer.change('optimizer.muonLearningRate', 0.5);
    expect(change.step).toBe(1);
    gates[0]!.open();
    await trainPast(run, 6);
    const again = record();
    await again.trainer.start({ ...tinyExperiment(), timeline: [change] });
    await trainPast(again, 6);
    expect(run.losses().slice(0, 6)).toEqual(again.losses().slice(0, 6));
    expect(run.losses()[3]).not.toBe((await plainLosses(4))[3]);
  });

  it('measures and writes before its first step as soon as it can', async () => {
    const { run, gates } = heldGpu(OF_A_TEXT);
    await run.trainer.start(tinyExperiment());
    const sample = run.trainer.generate(SHORT_TEXT);
    const measured = run.trainer.evaluate();
    await turn();
    expect(run.of('metrics')).toHaveLength(1);
    gates[0]!.open();
    expect((await measured)['eval.crossEntropy']).toBeGreaterThan(0);
    expect((await sample).text).toHaveLength(4);
  });

  it('takes a first step of several micro-batches when all its kernels are there', async () => {
    const { spied, run, gates } = heldGpu(OF_THE_UPDATE);
    const experiment = tinyExperiment({ schedule: { microBatches: 3 } });
    await run.trainer.start(experiment);
    spied.forget();
    await run.trainer.play();
    await turn();
    expect(spied.calls.get('submit')).toBeUndefined();
    gates[0]!.open();
    await trainPast(run, 3);
    const plain = record();
    await plain.trainer.start(experiment);
    await trainPast(plain, 3);
    expect(run.losses().slice(0, 3)).toEqual(plain.losses().slice(0, 3));
  });

  it.each([
    ['trains and needs it', OF_THE_UPDATE, (run: Recorded) => run.trainer.play()],
    ['trains and does not need it', OF_A_TEXT, (run: Recorded) => run.trainer.play()],
    ['stands', OF_THE_UPDATE, async () => {}],
    [
      'is asked for a text',
      OF_A_TEXT,
      async ({ trainer }: Recorded) => {
        void trainer.generate(SHORT_TEXT).catch(() => {});
      },
    ],
  ])('fails in words where a kernel does not compile: a run that %s', async (_, broken, act) => {
    const spied = new SpiedGpu();
    spied.compiling = async (label) => {
      await turn();
      if (label === broken) throw new Error('expected ;');
    };
    const run = record(localData(), () => spied.gpu);
    await run.trainer.start(tinyExperiment());
    await act(run);
    const failure = await run.next('failed');
    expect(failure.name).toBe('ShaderError');
    expect(failure.message).toContain(`${broken} did not compile`);
    expect(run.of('failed')).toHaveLength(1);
    expect(run.of('phase').at(-1)).toMatchObject({ phase: 'stopped' });
    expect(run.of('phase').at(-1)!.progress).toBeUndefined();
  });

  it('makes room for another run at once, and tells nothing more of the old one', async () => {
    const { run, gates } = heldGpu(OF_THE_UPDATE);
    await run.trainer.start(tinyExperiment());
    const second = tinyExperiment({ run: { seed: 2 } });
    await run.trainer.start(second);
    run.told.length = 0;
    gates[0]!.open();
    await run.next('phase', ({ progress }) => progress === undefined);
    const words = run.of('phase').map(({ progress }) => progress?.done);
    expect(new Set(words).size).toBe(words.length);
    await trainPast(run, 2);
    expect(run.losses().length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    [
      'has no data',
      async ({ trainer }: Recorded, data: DataService) => {
        data.openRun = async () => {
          throw new Error('no such text');
        };
        await expect(trainer.start(tinyExperiment())).rejects.toThrow('no such text');
      },
    ],
    [
      'gives way to one that is refused',
      async ({ trainer }: Recorded) => {
        await trainer.start(tinyExperiment());
        const far = { preset: 'trinity-large', changes: {}, timeline: [] };
        await expect(trainer.start(far)).rejects.toThrow(LimitError);
      },
    ],
  ])('tells nothing more of a run that %s', async (_, act) => {
    const spied = new SpiedGpu();
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const data = localData();
    const run = record(data, () => spied.gpu);
    spied.compiling = async (label) => (label.startsWith('normal') ? undefined : opened);
    await act(run, data);
    run.told.length = 0;
    open();
    await turn();
    await turn();
    expect(run.of('phase')).toEqual([]);
  });
});
