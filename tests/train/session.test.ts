import { afterEach, describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Batch } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import { restoreCheckpoint, saveCheckpoint } from '@/engine/train/checkpoint';
import { Session } from '@/engine/train/session';
import { Stability } from '@/engine/train/stability';
import { openLab } from '../support/lab';
import { localData, tinyExperiment } from '../support/trainer';

const lab = openLab();
const settings = resolve(tinyExperiment());
/** What these tests do not look at. */
const unsteady = new Stability().state(0);
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

async function create(): Promise<Session> {
  const session = await Session.create(lab.open(), settings, domainIds.length);
  sessions.push(session);
  await session.stepper.start(settings.run.seed);
  return session;
}

async function batches(count: number): Promise<Batch[]> {
  const { training } = await localData().openRun(settings);
  const taken: Batch[] = [];
  for (let i = 0; i < count; i++) taken.push(await training.next());
  return taken;
}

const step = async (session: Session, batch: Batch, index: number, pieces = 1) =>
  (await session.stepper.step({ step: index, batches: [batch], settings }, {}, pieces))
    .crossEntropy;

/** Every bit of weights, moments and router state. */
const bits = async (session: Session) =>
  (await saveCheckpoint(session, 0, null, unsteady)).buffers.map((buffer) => [
    ...new Uint32Array(buffer.buffer),
  ]);

describe('a recorded step', () => {
  it('replayed equals recorded anew every time, past the first few steps, to the bit', async () => {
    const data = await batches(12);
    const replayed = await create();
    const want: number[] = [];
    for (const [index, batch] of data.entries()) want.push(await step(replayed, batch, index));

    const got: number[] = [];
    let before = await saveCheckpoint(await create(), 0, null, unsteady);
    let last: Session | undefined;
    for (const [index, batch] of data.entries()) {
      last = await create();
      await restoreCheckpoint(last, before);
      got.push(await step(last, batch, index));
      before = await saveCheckpoint(last, index + 1, null, unsteady);
    }
    expect(got).toEqual(want);
    expect(await bits(last!)).toEqual(await bits(replayed));
  });

  it('gives equal weights and moments twice after fifty steps, in one submit or in several', async () => {
    const data = await batches(50);
    const [first, second] = [await create(), await create()];
    for (const [index, batch] of data.entries()) {
      const loss = await step(first, batch, index);
      expect(await step(second, batch, index, 1 + (index % 5)), `step ${index}`).toBe(loss);
      expect(second.stepper.lastSubmits).toBe(1 + (index % 5));
    }
    expect(await bits(second)).toEqual(await bits(first));
  });

  it('gives the same bits where it is timed kernel by kernel, in one submit or in several', async () => {
    const data = await batches(4);
    const [plain, timed] = [await create(), await create()];
    for (const [index, batch] of data.entries()) {
      const loss = await step(plain, batch, index);
      const inputs = { step: index, batches: [batch], settings };
      const numbers = await timed.stepper.step(inputs, { kernels: true }, 1 + index);
      expect(numbers.crossEntropy).toBe(loss);
      const { uses, submits } = numbers.kernels!;
      expect(submits).toBe(1 + index);
      const { microBatch, update } = timed.stepper.programs;
      const always = [microBatch, update].flatMap((program) => program.due(undefined));
      expect(uses.reduce((sum, { calls }) => sum + calls, 0)).toBe(always.length);
      const work = always.reduce((sum, one) => sum + one.work.flops, 0);
      expect(uses.reduce((sum, { flops }) => sum + flops, 0)).toBeCloseTo(work, 0);
      expect(uses.every(({ ms }) => ms! >= 0)).toBe(true);
      expect(uses.find(({ kind }) => kind === 'matmul')!.ms).toBeGreaterThan(0);
    }
    expect(await bits(timed)).toEqual(await bits(plain));
  });
});
