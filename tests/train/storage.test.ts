/** @file Weights and activations stored in 16 bits, beside the same runs in float32. */
import { afterEach, describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import { type Settings, withValue } from '@/engine/config/settings';
import { domainIds } from '@/engine/data/domains';
import { createBatchSource } from '@/engine/data/source';
import { Tensor } from '@/engine/gpu/tensor';
import { planRun } from '@/engine/train/assembly';
import { restoreCheckpoint, saveCheckpoint } from '@/engine/train/checkpoint';
import { recordStep } from '@/engine/train/recordStep';
import { Session } from '@/engine/train/session';
import { RunState } from '@/engine/train/state';
import type { StepNumbers } from '@/engine/train/stepNumbers';
import { rounded } from '../reference/convert';
import { relativeError } from '../support/close';
import { download, openLab } from '../support/lab';
import { tinyModels } from '../support/tinyModels';
import { openTrainers, tinyExperiment } from '../support/trainer';

const lab = openLab();
const record = openTrainers();
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

const steady = { step: 2, crossEntropies: [], gradientNorms: [], spikes: 0 };
const LIMITS = { maxBufferBytes: 2 ** 28, maxBindingBytes: 2 ** 27 };
const stored = (settings: Settings, storage: Settings['run']['storage']) =>
  withValue(settings, 'run.storage', storage);
const modelOf = (name: string) => tinyModels.find(([own]) => own === name)![1];

async function create(settings: Settings): Promise<Session> {
  const session = await Session.create(lab.open(), settings, domainIds.length);
  sessions.push(session);
  await session.stepper.start(settings.run.seed);
  return session;
}

async function train(session: Session, steps: number): Promise<StepNumbers[]> {
  const { settings } = session.assembly.state;
  const source = createBatchSource(settings, {}, undefined);
  const numbers: StepNumbers[] = [];
  for (let step = 0; step < steps; step++) {
    const inputs = { step, batches: [await source.next()], settings };
    numbers.push(await session.stepper.step(inputs, {}, 1));
  }
  return numbers;
}

/** The bits of a tensor of 16-bit elements, as those of float32. */
async function widened(tensor: Tensor): Promise<Float32Array> {
  const words = new Tensor([tensor.length / 2], 'words', 'u32');
  words.place = tensor.place;
  const halves = new Uint16Array((await download(lab.open(), words)).buffer);
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** Every copy is its weight, rounded; and weights are not what their copies are. */
async function expectCopies(session: Session): Promise<void> {
  let finer = 0;
  for (const { spec, weight, copy } of session.assembly.state.weights.entries()) {
    expect(copy !== undefined, spec.name).toBe(spec.role === 'matrix' || spec.role === 'expert');
    if (!copy) continue;
    const values = await download(lab.open(), weight);
    const want = values.map((value) => rounded(value, 'bf16'));
    expect(await widened(copy), spec.name).toEqual(want);
    finer += values.filter((value, i) => value !== want[i]).length;
  }
  expect(finer).toBeGreaterThan(1000);
}

describe('weights in 16 bits', () => {
  it('are rounded anew at the start, with every step and when they are asked for', async () => {
    const session = await create(stored(modelOf('trinity'), 'bf16'));
    const plan = planRun(session.assembly.state.settings, LIMITS, domainIds.length);
    expect(session.deviceBytes).toBe(plan.bytes.total);
    await expectCopies(session);
    const before = await train(session, 2);
    await expectCopies(session);
    const restored = await create(session.assembly.state.settings);
    await restoreCheckpoint(restored, await saveCheckpoint(session, 2, undefined, steady));
    await expectCopies(restored);
    expect(await train(restored, 1)).toEqual(await train(session, 1));
    const { weight } = session.assembly.state.weights.entry(
      'model.layers.1.self_attn.o_proj.weight',
    );
    const values = new Float32Array(weight.length).fill(0.123456789);
    lab.open().device.queue.writeBuffer(weight.buffer, weight.offset, values);
    await session.stepper.refreshCopies();
    await expectCopies(session);
    expect(before.every(({ crossEntropy }) => Number.isFinite(crossEntropy))).toBe(true);
  });

  it('are those of the checkpoint after going back, and after loading', async () => {
    const experiment = tinyExperiment({
      run: { storage: 'bf16' },
      schedule: { warmupSteps: 0 },
      probes: { evalEvery: 1 },
    });
    const run = record();
    await run.trainer.start(experiment);
    for (let step = 0; step < 2; step++) await run.trainer.step();
    const files = await run.trainer.save();
    for (let step = 0; step < 2; step++) await run.trainer.step();
    const want = run.losses();
    expect(new Set(want).size).toBe(4);
    const loaded = record();
    await loaded.trainer.load(files);
    for (let step = 0; step < 2; step++) await loaded.trainer.step();
    expect(loaded.losses()).toEqual(want.slice(2));
    expect(await loaded.trainer.rewind()).toBe(2);
    loaded.told.length = 0;
    for (let step = 0; step < 2; step++) await loaded.trainer.step();
    expect(loaded.losses()).toEqual(want.slice(2));
  });
});

describe('activations in 16 bits', () => {
  it.each(tinyModels)('leave sums, gradients and the residual stream alone: %s', (_, settings) => {
    const state = new RunState(stored(settings, 'bf16'), LIMITS, 128, domainIds.length);
    const { dispatches } = recordStep(state).microBatch;
    const tensors = dispatches.flatMap((dispatch) => Object.values(dispatch.tensors));
    const exact = /^d|residual|rstd|stats|lse|logits|score|router|sums|in f32$/;
    for (const { label, type } of tensors) {
      if (exact.test(label)) expect([label, type]).not.toEqual([label, 'bf16']);
    }
    expect(tensors.filter(({ type }) => type === 'bf16').length).toBeGreaterThan(40);
  });

  it.each(['small', 'medium', 'hunyuan-small', 'dots-small'])(
    'take little more than half the bytes of %s',
    (preset) => {
      const [wide, narrow] = (['f32', 'bf16'] as const).map((type) => {
        const settings = stored(resolve(experimentOn(preset)), type);
        return planRun(settings, LIMITS, domainIds.length).bytes;
      });
      expect(narrow!.activations / wide!.activations).toBeLessThan(0.6);
      // A copy of two bytes beside each weight of four.
      expect(narrow!.weights / wide!.weights).toBeCloseTo(1.5, 1);
      expect(narrow!.total).toBeLessThan(wide!.total);
    },
  );
});

describe.each([
  ['trinity', 'bf16'],
  ['trinity', 'f16'],
  ['hunyuan', 'bf16'],
  ['no dense layer, odd sizes', 'f16'],
] as const)('%s in %s', (name, type) => {
  it('learns as in float32', async () => {
    const settings = modelOf(name);
    const [exact, narrow] = [await create(settings), await create(stored(settings, type))];
    const want = await train(exact, 20);
    const got = await train(narrow, 20);
    // Before its weights went their own way: rounding, and choices of experts that flip on it.
    expect(Math.abs(got[0]!.gradientNorm / want[0]!.gradientNorm - 1)).toBeLessThan(0.05);
    expect(got[0]!.crossEntropy).not.toBe(want[0]!.crossEntropy);
    const gaps = got.map(({ crossEntropy }, i) => Math.abs(crossEntropy - want[i]!.crossEntropy));
    expect(gaps[0]).toBeLessThan(0.02);
    expect(gaps.reduce((sum, gap) => sum + gap) / 20).toBeLessThan(0.04);
    expect(got.at(-1)!.crossEntropy).toBeLessThan(got[0]!.crossEntropy - 0.5);
  });

  it('gives equal bits with blocks recomputed', async () => {
    const settings = stored(modelOf(name), type);
    const kept = await create(settings);
    const again = await create(withValue(settings, 'run.activationCheckpointing', true));
    expect(await train(again, 2)).toEqual(await train(kept, 2));
    for (const { spec, weight } of kept.assembly.state.weights.entries()) {
      const other = again.assembly.state.weights.entry(spec.name).weight;
      const [a, b] = [await download(lab.open(), weight), await download(lab.open(), other)];
      expect(relativeError(a, b), spec.name).toBe(0);
    }
  });
});
