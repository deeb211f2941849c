import { afterEach, describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import { type Settings, withValue } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import { createBatchSource } from '@/engine/data/source';
import type { Tensor } from '@/engine/gpu/tensor';
import { planRun } from '@/engine/train/assembly';
import { recordStep } from '@/engine/train/recordStep';
import { Session } from '@/engine/train/session';
import { RunState } from '@/engine/train/state';
import type { StepNumbers, StepWishes } from '@/engine/train/stepNumbers';
import { download, openLab } from '../support/lab';
import { tiny, tinyModels } from '../support/tinyModels';

const lab = openLab();
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

const checkpointed = (settings: Settings, isOn = true) =>
  withValue(settings, 'run.activationCheckpointing', isOn);

const LIMITS = { maxBufferBytes: 2 ** 28, maxBindingBytes: 2 ** 27 };
const STEPS = 2;
const watchAll: StepWishes = {
  domains: true,
  bias: true,
  attention: { layer: 1, head: 0, sequence: 1 },
};

interface Trained {
  readonly session: Session;
  readonly numbers: readonly StepNumbers[];
}

/** A few steps, everything watched. */
async function trained(settings: Settings): Promise<Trained> {
  const session = await Session.create(lab.open(), settings, domainIds.length);
  sessions.push(session);
  await session.stepper.start(settings.run.seed);
  const source = createBatchSource(settings, {}, undefined);
  const numbers: StepNumbers[] = [];
  for (let step = 0; step < STEPS; step++) {
    const batches: Batch[] = [];
    while (batches.length < settings.schedule.microBatches) batches.push(await source.next());
    numbers.push(await session.stepper.step({ step, batches, settings }, watchAll, 1));
  }
  return { session, numbers };
}

async function expectEqualBits(whole: Settings, microBatches = 2): Promise<void> {
  const settings = withValue(whole, 'schedule.microBatches', microBatches);
  const kept = await trained(checkpointed(settings, false));
  const again = await trained(checkpointed(settings));
  expect(again.numbers).toEqual(kept.numbers);
  for (const { spec, weight } of kept.session.assembly.state.weights.entries()) {
    const other = again.session.assembly.state.weights.entry(spec.name).weight;
    const [want, got] = [await download(lab.open(), weight), await download(lab.open(), other)];
    expect(Buffer.compare(Buffer.from(got.buffer), Buffer.from(want.buffer)), spec.name).toBe(0);
  }
}

describe('activation checkpointing', () => {
  const unlike = tinyModels.filter(
    ([name]) => !/all global|pattern|no positions|all experts|several|before the six/.test(name),
  );
  it.each(unlike)('gives equal bits, everything watched: %s', async (_, settings) => {
    await expectEqualBits(settings);
  });

  it('gives equal bits where a step has one batch', async () => {
    await expectEqualBits(tiny('micro'), 1);
  });

  it('gives equal bits where products round their inputs', async () => {
    await expectEqualBits(tiny('micro', { linearPrecision: 'mxfp8' }));
  });

  // hunyuan-small shares keys over pairs of layers.
  it.each(['micro', 'small', 'medium', 'hunyuan-small', 'dots-small'])(
    'takes at most half the activation bytes of %s',
    (preset) => {
      const settings = resolve(experimentOn(preset));
      const activations = (values: Settings) =>
        planRun(values, LIMITS, domainIds.length).bytes.activations;
      const ratio = activations(checkpointed(settings)) / activations(settings);
      expect(ratio).toBeLessThan(preset === 'micro' ? 0.5 : 0.21);
    },
  );

  it.each(tinyModels)('plays again only what the way back reads: %s', (_, settings) => {
    const dispatches = (isOn: boolean) =>
      recordStep(new RunState(checkpointed(settings, isOn), LIMITS, 128, domainIds.length))
        .microBatch.dispatches;
    const recorded = dispatches(true);
    expect(recorded.length).toBeGreaterThan(dispatches(false).length);
    const used = new Set<Tensor>();
    for (const { kernel, tensors } of recorded.toReversed()) {
      const isOfUse = Object.entries(tensors).some(
        ([name, { owner }]) =>
          kernel.buffers[name] === 'read_write' && (owner.place || used.has(owner)),
      );
      expect(isOfUse, kernel.name).toBe(true);
      for (const { owner } of Object.values(tensors)) used.add(owner);
    }
  });
});
