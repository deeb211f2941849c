import { afterEach, describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Batch } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import { profile } from '@/engine/gpu/profiler';
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
      restoreCheckpoint(last, before);
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

  it('can be timed kernel by kernel', async () => {
    const session = await create();
    const [batch] = await batches(1);
    await step(session, batch!, 0);
    const { microBatch } = session.stepper.programs;
    const times = await profile(microBatch);
    const recorded = microBatch.actions.filter(({ section }) => section === undefined);
    expect(times.reduce((sum, { dispatches }) => sum + dispatches, 0)).toBe(recorded.length);
    expect(times.every(({ ms }) => ms >= 0)).toBe(true);
    expect(times.find(({ kernel }) => kernel === 'matmul.nt.vec4')!.ms).toBeGreaterThan(0);
  });
});
