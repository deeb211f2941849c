import { afterEach, describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import { embeddingName } from '@/engine/model/parameters';
import { planRun } from '@/engine/train/assembly';
import { diagnose } from '@/engine/train/diagnose';
import { Session } from '@/engine/train/session';
import { expectClose, relativeError } from '../support/close';
import { download, openLab } from '../support/lab';
import { tinyModels } from '../support/tinyModels';
import { openTrainers, tinyExperiment } from '../support/trainer';

const lab = openLab();
const record = openTrainers();
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

async function create(settings: Settings): Promise<Session> {
  const session = await Session.create(lab.open(), settings, domainIds.length);
  sessions.push(session);
  await session.stepper.start(settings.run.seed);
  return session;
}

const S = 32;
const B = 2;
const settingsWith = (changes: SettingsChanges) => resolve(tinyExperiment(changes));
/** Those of a run whose steps may have several. */
const splitWith = (changes: SettingsChanges) =>
  settingsWith({ ...changes, schedule: { ...changes.schedule, microBatches: 3 } });

/** B sequences of two documents, with a share of ignored targets that differs from batch to batch. */
function batch(seed: number): Batch {
  const of = (value: (t: number) => number) =>
    Uint32Array.from({ length: B * S }, (_, t) => value(t));
  return {
    tokens: of((t) => 32 + ((seed * 31 + t * t * (seed + 3)) % 90)),
    targets: of((t) => (t % (seed + 2) === 0 ? IGNORED : 32 + ((t * 7 + seed) % 90))),
    documents: of((t) => Math.floor((t % S) / 20)),
    domains: of((t) => (t + seed) % domainIds.length),
  };
}

const joined = (batches: readonly Batch[]): Batch => {
  const all = (pick: (batch: Batch) => Uint32Array) =>
    Uint32Array.from(batches.flatMap((each) => [...pick(each)]));
  return {
    tokens: all(({ tokens }) => tokens),
    targets: all(({ targets }) => targets),
    documents: all(({ documents }) => documents),
    domains: all(({ domains }) => domains),
  };
};

describe('a step of several micro-batches', () => {
  it.each([0, 0.5])(
    'has the gradients, losses and counts of one batch of all sequences, balance loss times %d',
    async (sequenceBalance) => {
      const changes = { loss: { sequenceBalance, zWeight: 0.01 } };
      const batches = [0, 1, 2].map(batch);
      const small = await create(splitWith(changes));
      const large = await create(settingsWith({ ...changes, data: { batchSequences: 3 * B } }));
      const run = (session: Session, parts: readonly Batch[]) => {
        const { settings } = session.assembly.state;
        const inputs = { step: 0, batches: parts, settings };
        return session.stepper.step(inputs, { domains: true }, 1);
      };
      const got = await run(small, batches);
      const want = await run(large, [joined(batches)]);
      expect([small, large].map(({ stepper }) => stepper.lastSubmits)).toEqual([3, 1]);
      expect(got.counts).toEqual(want.counts);
      expect(got.biasNorm).toBe(want.biasNorm); // the balancer saw the same counts
      expect(got.biasNorm).toBeGreaterThan(0);
      expect(got.domains).toEqual(want.domains);
      for (const key of [
        'crossEntropy',
        'squaredLse',
        'sequenceBalance',
        'gradientNorm',
      ] as const) {
        expect(Math.abs(got[key] / want[key] - 1), key).toBeLessThan(1e-5);
      }
      const { max, mean } = want.logits!;
      expectClose([got.logits!.max, got.logits!.mean], [max, mean], { rtol: 1e-5, atol: 1e-7 });
      for (const { spec, gradient } of small.assembly.state.weights.entries()) {
        const other = large.assembly.state.weights.entry(spec.name).gradient;
        const [a, b] = [await download(lab.open(), gradient), await download(lab.open(), other)];
        expect(relativeError(a, b), spec.name).toBeLessThan(1e-5);
      }
    },
  );

  it('equals one of them where all are the same, also with the balance loss of each alone', async () => {
    const settings = splitWith({ loss: { switchBalance: 0.5, sequenceBalance: 0.5 } });
    const [several, alone] = [await create(settings), await create(settings)];
    const batches = [batch(1), batch(1), batch(1)];
    const got = await several.stepper.step({ step: 0, batches, settings }, {}, 1);
    const want = await alone.stepper.step({ step: 0, batches: [batch(1)], settings }, {}, 1);
    expect(want.switchBalance).toBeGreaterThan(1);
    const keys = ['switchBalance', 'sequenceBalance', 'margin', 'gradientNorm'] as const;
    for (const key of keys) expect(got[key]! / want[key]!, key).toBeCloseTo(1, 5);
    for (const { spec, gradient } of several.assembly.state.weights.entries()) {
      const other = alone.assembly.state.weights.entry(spec.name).gradient;
      const [a, b] = [await download(lab.open(), gradient), await download(lab.open(), other)];
      expect(relativeError(a, b), spec.name).toBeLessThan(1e-5);
    }
  });

  it('counts the tokens that found no room in any of them', async () => {
    const settings = splitWith({
      // One mixture layer, at the end: what is drawn for a token moves no other choice.
      model: { denseLayerCount: 3, expertsPerToken: 1, overflow: 'recycle', capacityFactor: 1 },
    });
    const overflow = async (batches: readonly Batch[]) => {
      const session = await create(settings);
      return (await session.stepper.step({ step: 0, batches, settings }, {}, 1)).overflow!;
    };
    const [first, second] = [await overflow([batch(0)]), await overflow([batch(1)])];
    expect(first).not.toBe(second);
    expect(await overflow([batch(0), batch(1)])).toBeCloseTo((first + second) / 2, 10);
  });

  it('tells how far the hardest micro-batch lies above their mean', async () => {
    const settings = splitWith({});
    const batches = [0, 1, 2].map(batch);
    const alone: number[] = [];
    for (const each of batches) {
      const session = await create(settings);
      const inputs = { step: 0, batches: [each], settings };
      const { crossEntropy, batchHet } = await session.stepper.step(inputs, {}, 1);
      expect(batchHet).toBeUndefined();
      alone.push(crossEntropy);
    }
    const session = await create(settings);
    const { batchHet } = await session.stepper.step({ step: 0, batches, settings }, {}, 1);
    const mean = alone.reduce((a, b) => a + b, 0) / 3;
    expect(Math.max(...alone) - mean).toBeGreaterThan(1e-4);
    expect(batchHet).toBeCloseTo(Math.max(...alone) - mean, 5);
  });

  it('shows the attention of its last micro-batch', async () => {
    const settings = splitWith({});
    const wishes = { attention: { layer: 1, head: 1, sequence: 1 } };
    const [several, alone] = [await create(settings), await create(settings)];
    const batches = [0, 1].map(batch);
    const got = await several.stepper.step({ step: 0, batches, settings }, wishes, 1);
    const last = { step: 0, batches: [batch(1)], settings };
    const want = await alone.stepper.step(last, wishes, 1);
    expect(got.attention).toEqual(want.attention);
  });

  it('gives equal bits in one submit for each micro-batch or in several', async () => {
    const settings = splitWith({});
    const batches = [0, 1, 2].map(batch);
    const [first, second] = [await create(settings), await create(settings)];
    for (let step = 0; step < 4; step++) {
      const inputs = { step, batches, settings };
      const want = await first.stepper.step(inputs, {}, 1);
      expect(await second.stepper.step(inputs, {}, 5 + step)).toEqual(want);
      expect(second.stepper.lastSubmits).toBe(3 * Math.ceil((5 + step) / 3));
    }
  });

  it('takes no more memory than one, but for numbers that tell kernels to add', () => {
    const limits = { maxBufferBytes: 2 ** 30, maxBindingBytes: 2 ** 30 };
    const bytes = (microBatches: number) =>
      planRun(settingsWith({ schedule: { microBatches } }), limits, domainIds.length).bytes;
    expect(bytes(4)).toEqual(bytes(2));
    const { other, total, ...tensors } = bytes(4);
    const one = bytes(1);
    expect(one).toMatchObject(tensors);
    expect(total - one.total).toBe(other - one.other);
    expect(Math.abs(other - one.other)).toBeLessThan(1024);
  });

  it('is searched micro-batch by micro-batch for what is not a number', async () => {
    const settings = splitWith({});
    const session = await create(settings);
    const { weight } = session.assembly.state.weights.entry(embeddingName);
    const rare = 200;
    const row = new Float32Array(settings.model.width).fill(Number.NaN);
    lab.open().device.queue.writeBuffer(weight.buffer, weight.offset + rare * row.byteLength, row);
    const last = batch(2);
    last.tokens[5] = rare;
    const inputs = { step: 0, batches: [batch(0), batch(1), last], settings };
    const { isHalted } = await session.stepper.step(inputs, {}, 1);
    expect(isHalted).toBe(true);
    const sound = { ...inputs, batches: inputs.batches.slice(0, 2) };
    expect((await diagnose(session, sound))?.kernel).toBe('adamw'); // the weight itself
    expect((await diagnose(session, inputs))?.kernel).toMatch(/^embedding/);
  });
});

describe('gradients of a step', () => {
  it.each([
    ['trinity', settingsWith({})],
    ['a table that is the head too', settingsWith({ model: { tiedEmbeddings: true } })],
    ['shared keys', tinyModels.find(([name]) => name === 'hunyuan')![1]],
    ['AdamW for all', settingsWith({ optimizer: { hidden: 'adamw' } })],
    ['several micro-batches', splitWith({})],
  ])('are made anew, whatever the last one left there: %s', async (_, settings) => {
    const inputs = { step: 0, batches: [batch(1)], settings };
    const gradientsOf = async (before: number) => {
      const session = await create(settings);
      const { gradients } = session.assembly.state.weights;
      for (const { buffer, offset, length } of gradients.tensors) {
        const left = new Float32Array(length).fill(before);
        lab.open().device.queue.writeBuffer(buffer, offset, left);
      }
      const { gradientNorm } = await session.stepper.step(inputs, {}, 1);
      const all = gradients.tensors.map((tensor) => download(lab.open(), tensor));
      return { gradientNorm, all: await Promise.all(all) };
    };
    const [zero, other] = [await gradientsOf(0), await gradientsOf(7)];
    expect(other.all).toEqual(zero.all);
    expect(other.gradientNorm).toBe(zero.gradientNorm);
    expect(zero.all.every((values) => values.some((value) => value !== 0))).toBe(true);
  });

  it('of a run whose steps have one batch take no second', async () => {
    const settings = settingsWith({});
    const { stepper } = await create(settings);
    const inputs = { step: 0, batches: [batch(0), batch(1)], settings };
    const step = async () => stepper.step(inputs, {}, 1);
    await expect(step()).rejects.toThrow('a step of 2 batches');
  });
});

describe('a batch that grows', () => {
  const growing = tinyExperiment({
    schedule: { growAt: 2, grownMicroBatches: 3, growAgainAt: 4, grownAgainMicroBatches: 2 },
  });

  it('grows at its steps, and counts all of its micro-batches', async () => {
    const run = record();
    await run.trainer.start(growing);
    await run.trainer.watch({
      load: true,
      domains: true,
      bias: false,
      attention: { layer: 1, head: 0, sequence: 0 },
      kernels: false,
    });
    for (let step = 0; step < 5; step++) await run.trainer.step();
    const steps = run.of('metrics').filter(({ values }) => values['train.loss'] !== undefined);
    const want = [1, 1, 3, 3, 2];
    expect(steps.map(({ values }) => values['train.microBatches'])).toEqual(want);
    expect(steps.map(({ values }) => values['train.batchHet'] !== undefined)).toEqual(
      want.map((count) => count > 1),
    );
    for (const { values } of steps)
      expect(values['train.maxLogit']).toBeGreaterThan(values['train.meanLogit']!);
    const sum = (values: Uint32Array) => values.reduce((a, b) => a + b, 0);
    const rows = 3 * 2; // three mixture layers, two experts a token
    expect(run.of('load').map(({ counts }) => sum(counts))).toEqual(
      want.map((count) => count * rows * B * S),
    );
    const domains = run.of('domains');
    expect(domains.map(({ tokens }) => sum(tokens))).toEqual(want.map((count) => count * B * S));
    expect(domains.map(({ counts }) => sum(counts))).toEqual(
      want.map((count) => count * rows * B * S),
    );
  });

  it('gives the same bits after going back to a step before it grew', async () => {
    const run = record();
    await run.trainer.start(growing);
    for (let step = 0; step < 5; step++) await run.trainer.step();
    const want = run.losses();
    expect(await run.trainer.rewind()).toBe(0);
    run.told.length = 0;
    for (let step = 0; step < 5; step++) await run.trainer.step();
    expect(run.losses()).toEqual(want);
  });
});
