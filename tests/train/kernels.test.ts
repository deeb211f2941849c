/** @file The split of a step by kernel, from the kernel's work to what the trainer tells. */
import { describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import { presets } from '@/engine/config/presets';
import type { Action } from '@/engine/gpu/program';
import { Tape } from '@/engine/gpu/tape';
import { opOf, workOf } from '@/engine/gpu/work';
import { leastMs } from '@/engine/math/roofline';
import { flopsPerToken } from '@/engine/model/cost';
import { nodeGpu } from '@/engine/node';
import { groupedLinear, sortedRows } from '@/engine/ops/groupedMatmul';
import { matmul } from '@/engine/ops/matmul';
import { rmsNorm } from '@/engine/ops/rmsNorm';
import type { KernelUse, Watch } from '@/engine/train/commands';
import { kernelUses } from '@/engine/train/kernelKinds';
import { KernelWatch } from '@/engine/train/kernelWatch';
import { Wishes } from '@/engine/train/pacing';
import { recordStep } from '@/engine/train/recordStep';
import { RunState } from '@/engine/train/state';
import { SpiedGpu } from '../support/spiedGpu';
import { localData, openTrainers, tinyExperiment } from '../support/trainer';

const record = openTrainers();
const NO_LIMITS = {
  maxBufferBytes: Number.MAX_SAFE_INTEGER,
  maxBindingBytes: Number.MAX_SAFE_INTEGER,
};
const watching: Watch = {
  load: false,
  domains: false,
  bias: false,
  attention: undefined,
  kernels: true,
};

describe('the work of a dispatch', () => {
  const product = (add: 0 | 1, isSquared = false) => {
    const tape = new Tape();
    const a = tape.tensor([24, 16], 'a');
    const b = isSquared ? a : tape.tensor([16, 40], 'b');
    const [M, N, K] = isSquared ? [16, 16, 24] : [24, 40, 16];
    const into = { tensor: tape.tensor([M, N], 'c'), add };
    matmul(tape, { form: isSquared ? 'tn' : 'nn', a, b, into, M, N, K });
    return workOf(tape.dispatches[0]!);
  };

  it('is two operations a multiply-add, and each matrix once', () => {
    expect(product(0)).toEqual({
      flops: 2 * 24 * 40 * 16,
      bytes: 4 * (24 * 16 + 16 * 40 + 24 * 40),
    });
  });

  it('reads what it adds to, and reads a matrix once that meets itself', () => {
    expect(product(1).bytes - product(0).bytes).toBe(4 * 24 * 40);
    expect(product(0, true).bytes).toBe(4 * (24 * 16 + 16 * 16));
  });

  it('has no operations where only memory counts', () => {
    const tape = new Tape();
    rmsNorm(tape, tape.tensor([8, 16], 'x'), tape.tensor([16], 'gain'), 1e-6);
    expect(workOf(tape.dispatches[0]!)).toEqual({
      flops: 0,
      bytes: 4 * (8 * 16 + 16 + 8 * 16 + 8),
    });
  });

  it('follows the rows of experts, not their number', () => {
    const flops = [4, 8].map((E) => {
      const tape = new Tape();
      const u32 = (length: number) => tape.tensor([length], 'indices', 'u32');
      const dispatched = {
        expertCount: E,
        expertsPerToken: 2,
        rowCount: 32,
        segments: u32(2 * E + 1),
        source_R: u32(32),
        place_R: u32(32),
      } as unknown as Parameters<typeof groupedLinear>[3];
      const w = tape.tensor([E, 8, 16], 'w');
      groupedLinear(tape, sortedRows(tape.tensor([32, 16], 'x')), w, dispatched);
      return workOf(tape.dispatches[0]!).flops;
    });
    expect(flops).toEqual([2 * 32 * 8 * 16, 2 * 32 * 8 * 16]);
  });

  it('is that of a whole step by the count of operations for a token', () => {
    const settings = resolve(tinyExperiment());
    const { microBatch } = recordStep(new RunState(settings, NO_LIMITS, 32, 1));
    const done = (op: string) =>
      microBatch.dispatches
        .filter(({ kernel, section }) => section === undefined && opOf(kernel) === op)
        .reduce((sum, one) => sum + workOf(one).flops, 0);
    const tokens = settings.data.contextLength * settings.data.batchSequences;
    const { headCount, headWidth } = settings.model;
    // Three local layers of window 8 and a global one; two products forward, seven back, three of them for a second time.
    const seen = 3 * ((8 * 9) / 2 + 24 * 8) + (32 * 33) / 2;
    const attended = seen * settings.data.batchSequences * headCount * headWidth;
    expect(done('attention')).toBe(2 * (2 + 7) * attended);
    const whole = tokens * flopsPerToken(settings).training;
    expect(done('matmul') + done('groupedMatmul')).toBe(whole - 3 * 4 * attended);
  });

  it('takes at least the time of the peak that binds it', () => {
    const peaks = { flops: 1e9, bytes: 1e8 };
    expect(leastMs({ flops: 5e6, bytes: 1e5 }, peaks)).toBe(5);
    expect(leastMs({ flops: 5e6, bytes: 1e6 }, peaks)).toBe(10);
  });
});

describe('the kind of a kernel', () => {
  const trained = presets.filter(({ published }) => !published).map(({ id }) => id);

  it.each(trained)('is known of every dispatch of a step of %s', (preset) => {
    const settings = resolve({
      preset,
      changes: { data: { contextLength: 32, batchSequences: 1 } },
      timeline: [],
    });
    const { microBatch } = recordStep(new RunState(settings, NO_LIMITS, 32, 1));
    const traced = microBatch.dispatches.map((one) => ({
      action: { ...one, work: workOf(one) } as unknown as Action,
      ms: undefined,
    }));
    const others = kernelUses(traced, () => false).filter(({ kind }) => kind === 'other');
    expect(others.map(({ kernel }) => kernel)).toEqual([]);
  });
});

describe('how often a step is split', () => {
  const splits = (wishes: Wishes, times: readonly number[]) =>
    times.map((now) => wishes.at(now).kernels === true);

  it('is never while nobody watches', () => {
    const wishes = new Wishes();
    expect(splits(wishes, [0, 5000])).toEqual([false, false]);
  });

  it('is at once, then no oftener than once a second', () => {
    const wishes = new Wishes();
    wishes.watch = watching;
    const times = Array.from({ length: 12 }, (_, i) => 100 * i);
    expect(splits(wishes, times).flatMap((is, i) => (is ? times[i]! : []))).toEqual([0, 1000]);
  });

  it('waits until every kernel is compiled', () => {
    const wishes = new Wishes();
    wishes.watch = watching;
    expect(wishes.at(0, false).kernels).toBeUndefined();
    expect(wishes.at(1, true).kernels).toBe(true);
  });

  it('is no oftener than every eighth step, however long they take', () => {
    const wishes = new Wishes();
    wishes.watch = watching;
    const times = Array.from({ length: 17 }, (_, step) => 5000 * step);
    expect(splits(wishes, times)).toEqual(times.map((_, step) => step % 8 === 0));
  });
});

describe('the mean of measured steps', () => {
  const use = (kernel: string, ms: number | undefined, calls = 1): KernelUse => ({
    kind: 'matmul',
    kernel,
    calls,
    ms,
    flops: 8,
    bytes: 4,
  });
  const profile = (...uses: KernelUse[]) => ({ uses, submits: 1, encodeMs: 0.5 });

  it('is by kernel, the longest first; one that did not run counts as nothing', () => {
    const watch = new KernelWatch();
    watch.report(1, profile(use('a', 2), use('b', 3)));
    const { step, steps, uses } = watch.report(5, profile(use('a', 6)));
    expect([step, steps]).toEqual([5, 2]);
    expect(uses).toEqual([use('a', 4), { ...use('b', 1.5, 0.5), flops: 4, bytes: 2 }]);
  });

  it('is of the last eight, and starts anew when it was not watched', () => {
    const watch = new KernelWatch();
    for (let step = 1; step <= 20; step++) watch.report(step, profile(use('a', step)));
    const told = watch.report(21, profile(use('a', 21)));
    expect(told.steps).toBe(8);
    expect(told.uses[0]!.ms).toBe((14 + 21) / 2);
    watch.forget();
    expect(watch.report(30, profile(use('a', 1))).steps).toBe(1);
  });

  it('has no time where one of them has none', () => {
    const watch = new KernelWatch();
    expect(watch.report(1, profile(use('a', undefined))).uses[0]!.ms).toBeUndefined();
  });
});

/** The adapter of this machine without timestamps. */
const withoutTimestamps = (): GPU =>
  ({
    requestAdapter: async (options?: GPURequestAdapterOptions) => {
      const adapter = (await nodeGpu().requestAdapter(options))!;
      const features = new Set([...adapter.features].filter((name) => name !== 'timestamp-query'));
      return new Proxy(adapter, {
        get: (target, name) => {
          if (name === 'features') return features;
          const value = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  }) as unknown as GPU;

describe('a trainer that is watched', () => {
  it('tells the split with the peaks, and trains to the same bits as one that is not', async () => {
    const [plain, watched] = [record(), record()];
    for (const { trainer } of [plain, watched]) await trainer.start(tinyExperiment());
    await watched.trainer.watch(watching);
    for (let step = 0; step < 6; step++) {
      await plain.trainer.step();
      await watched.trainer.step();
    }
    expect(watched.losses()).toEqual(plain.losses());
    expect(plain.of('kernels')).toEqual([]);
    const [first] = watched.of('kernels');
    expect(first!.step).toBe(2); // in the first one kernels may still compile
    expect(first!.peaks!.flops).toBeGreaterThan(1e6);
    expect(first!.peaks!.bytes).toBeGreaterThan(1e6);
    expect(first!.submits).toBeGreaterThanOrEqual(1);
    expect(first!.uses.map(({ kind }) => kind)).not.toContain('other');
    expect(new Set(first!.uses.map(({ kind }) => kind))).toEqual(
      new Set(['matmul', 'experts', 'attention', 'norms', 'gates', 'router', 'ends', 'optimizer']),
    );
    const times = first!.uses.map(({ ms }) => ms!);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('counts calls and work where the adapter has no timestamps', async () => {
    const run = record(localData(), withoutTimestamps);
    expect((await run.trainer.open()).features).not.toContain('timestamp-query');
    await run.trainer.start(tinyExperiment());
    await run.trainer.watch(watching);
    for (let step = 0; step < 2; step++) await run.trainer.step();
    const [told] = run.of('kernels');
    expect(told!.uses.every(({ ms }) => ms === undefined)).toBe(true);
    expect(told!.uses.some(({ calls, flops, bytes }) => calls > 1 && flops > 0 && bytes > 0)).toBe(
      true,
    );
    expect(told!.peaks!.flops).toBeGreaterThan(1e6);
  });

  it('costs nothing again when nobody looks any more', async () => {
    const spy = new SpiedGpu();
    const run = record(localData(), () => spy.gpu);
    await run.trainer.start(tinyExperiment());
    await run.trainer.watch(watching);
    await run.trainer.step();
    await run.trainer.watch({ ...watching, kernels: false });
    await run.trainer.step();
    const told = run.of('kernels').length;
    spy.forget();
    for (let step = 0; step < 6; step++) await run.trainer.step();
    expect(Object.fromEntries(spy.calls)).toEqual({ submit: 6 });
    expect(run.of('kernels').length).toBe(told);
  });
});
