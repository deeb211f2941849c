import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tuningFile } from '@/cli/tuningFile';
import { resolve } from '@/engine/config/experiment';
import { memoryLimits } from '@/engine/gpu/arena';
import { joiningQuestion, shapeClass, type TuningTable } from '@/engine/gpu/tuning';
import { autotune } from '@/engine/tune/autotune';
import { stepQuestions } from '@/engine/tune/stepQuestions';
import { adapterKey, Tuner, type TuningStore } from '@/engine/tune/tuner';
import { openLab } from '../support/lab';
import { localData, recordedTrainer, tinyExperiment } from '../support/trainer';

const folder = mkdtempSync(join(tmpdir(), 'tunings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const lab = openLab();

class Store implements TuningStore {
  readonly tables = new Map<string, TuningTable>();
  writes = 0;
  async read(adapter: string) {
    return this.tables.get(adapter);
  }
  async write(adapter: string, table: TuningTable) {
    this.writes++;
    this.tables.set(adapter, table);
  }
}

/** Wide enough that there is something to choose. */
const experiment = tinyExperiment({
  model: { width: 64, denseWidth: 64, headCount: 2, headWidth: 32, kvHeadCount: 2 },
  data: { contextLength: 64, batchSequences: 2 },
});

/** Three steps: their losses, and whether the plan held. */
async function trained(store?: TuningStore, changes: { run?: { autotune: boolean } } = {}) {
  const recorded = recordedTrainer(localData(), undefined, store);
  const { trainer } = recorded;
  await trainer.open();
  const { plan } = await trainer.start({
    ...experiment,
    changes: { ...experiment.changes, ...changes },
  });
  for (let step = 0; step < 3; step++) await trainer.step();
  const { values } = recorded.of('metrics')[0]!;
  expect(values['memory.deviceBytes']).toBe(plan.bytes.total);
  await trainer.close();
  const labels = recorded.of('phase').map(({ progress }) => progress?.label);
  return { losses: recorded.losses(), hasChosen: labels.includes('Choosing kernels') };
}

describe('a tuned run', () => {
  it('has the bits of one with the fixed kernels, and the bytes of its plan', async () => {
    const store = new Store();
    const fixed = await trained();
    const tuned = await trained(store);
    expect(fixed.losses).toHaveLength(3);
    expect(tuned.losses).toEqual(fixed.losses);
    expect(fixed.hasChosen).toBe(false);
    expect(tuned.hasChosen).toBe(true);
    if (lab.open().subgroupSize < 8) return;
    const table = store.tables.get(adapterKey(lab.open()))!;
    expect(table).toMatchObject({ [shapeClass(joiningQuestion)]: 'apart' });
    const classes = Object.keys(table).join('\n');
    expect(classes).toMatch(/^matmul (nn|nt|tn) \d+x\d+x\d+x\d+$/m);
  });

  it('measures nothing where the setting is off', async () => {
    const store = new Store();
    const { hasChosen } = await trained(store, { run: { autotune: false } });
    expect(hasChosen).toBe(false);
    expect(store.tables.size).toBe(0);
  });
});

describe('a tuner', () => {
  const settings = resolve(experiment);

  it('answers from what is kept of the adapter that it met, and of no other', async () => {
    const { info, hasSubgroupMatrices } = lab.open();
    const adapter = { info, hasSubgroupMatrices };
    const store = new Store();
    store.tables.set(adapterKey(adapter), { 'matmul nn 1x64x64x64': 'plain' });
    const tuner = new Tuner(store);
    const question = { op: 'matmul', form: 'nn', sides: [1, 64, 64, 64] };
    expect(tuner.tuning(settings)(question)).toBeUndefined();
    for (const other of [
      { ...adapter, info: { ...info, architecture: 'another' } },
      { ...adapter, hasSubgroupMatrices: !hasSubgroupMatrices },
    ]) {
      await tuner.meet(adapter);
      expect(tuner.tuning(settings)(question)).toBe('plain');
      await tuner.meet(other);
      expect(tuner.tuning(settings)(question)).toBeUndefined();
    }
  });

  it('measures nothing that it knows', async () => {
    const open = lab.open();
    const questions = stepQuestions(settings, memoryLimits(open.device));
    const store = new Store();
    const whole = await autotune(open, questions, {}, undefined, Number.POSITIVE_INFINITY);
    store.tables.set(adapterKey(open), whole);
    expect(await new Tuner(store).learn(open, settings)).toBe(false);
    expect(store.writes).toBe(0);
  });

  it('goes on without a store that fails', async () => {
    const broken: TuningStore = {
      read: () => Promise.reject(new Error('no')),
      write: () => Promise.reject(new Error('no')),
    };
    const tuner = new Tuner(broken);
    await expect(tuner.learn(lab.open(), settings)).resolves.toBeTypeOf('boolean');
  });
});

describe('a file of tunings', () => {
  it('keeps a table for each adapter, and makes its folder', async () => {
    const path = join(folder, 'deep', 'cache');
    const store = tuningFile(path);
    expect(await store.read('a')).toBeUndefined();
    await store.write('a', { x: 'plain' });
    await store.write('b', { y: 'tile' });
    expect(await tuningFile(path).read('a')).toEqual({ x: 'plain' });
    expect(Object.keys(JSON.parse(readFileSync(join(path, 'kernels.json'), 'utf8')))).toEqual([
      'a',
      'b',
    ]);
  });

  it.each(['{', 'null', '{"a": {"x": 5}}', '{"a": 3}'])(
    'reads %s as nothing and writes over it',
    async (text) => {
      writeFileSync(join(folder, 'kernels.json'), text);
      const store = tuningFile(folder);
      expect(await store.read('a')).toBeUndefined();
      await store.write('a', { x: 'plain' });
      expect(await store.read('a')).toEqual({ x: 'plain' });
    },
  );
});
