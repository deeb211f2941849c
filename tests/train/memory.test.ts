import { afterEach, expect, it } from 'vitest';
import { type Experiment, experimentOn, resolve } from '@/engine/config/experiment';
import { presets } from '@/engine/config/presets';
import { planRun } from '@/engine/train/assembly';
import { SpiedGpu } from '../support/spiedGpu';
import {
  localData,
  type Recorded,
  recordedTrainer,
  tinyExperiment,
  trainPast,
} from '../support/trainer';

let run: Recorded | undefined;
afterEach(async () => {
  await run?.trainer.close();
  run = undefined;
});

it('plans exactly the bytes that it allocates, and keeps them over many steps', async () => {
  const spy = new SpiedGpu();
  run = recordedTrainer(localData(), () => spy.gpu);
  const { plan } = await run.trainer.start(tinyExperiment());
  expect(run.of('metrics')[0]!.values['memory.deviceBytes']).toBe(plan.bytes.total);
  expect(spy.liveBytes).toBe(plan.bytes.total);
  const { weights, gradients, optimizer, activations, other, total } = plan.bytes;
  expect(weights + gradients + optimizer + activations + other).toBe(total);
  // not the step of a checkpoint in memory, whose staging buffers come and go
  await trainPast(run, 2010);
  expect(spy.liveBytes).toBe(plan.bytes.total);
});

it('makes no buffer, no bind group and no pipeline in a step, and submits once', async () => {
  const spy = new SpiedGpu();
  run = recordedTrainer(localData(), () => spy.gpu);
  await run.trainer.start(tinyExperiment());
  await run.trainer.watch({
    load: true,
    domains: true,
    bias: true,
    attention: { layer: 1, head: 0, sequence: 0 },
    kernels: false,
  });
  await run.trainer.step();
  spy.forget();
  // fewer steps than lie between two checkpoints, which do make staging buffers
  for (let step = 0; step < 20; step++) await run.trainer.step();
  expect(Object.fromEntries(spy.calls)).toEqual({ submit: 20 });
});

it.each(presets.map((preset) => preset.id))(
  'plans %s in little time, with its published size',
  (id) => {
    const settings = resolve({ preset: id, changes: {}, timeline: [] });
    const limits = {
      maxBufferBytes: Number.MAX_SAFE_INTEGER,
      maxBindingBytes: Number.MAX_SAFE_INTEGER,
    };
    const started = performance.now();
    const plan = planRun(settings, limits, 6);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(plan.bytes.weights).toBeGreaterThanOrEqual(4 * plan.parameterCount);
    const published: Record<string, [number, number]> = {
      'trinity-nano': [6_119_996_416, 1_023_917_056],
      'trinity-mini': [26_123_970_560, 3_474_728_960],
      'trinity-large': [398_635_272_192, 13_371_672_576],
    };
    const want = published[id];
    if (want) expect([plan.parameterCount, plan.activeParameterCount]).toEqual(want);
  },
);

it.each([
  ['trinity-nano', 'medium'],
  ['trinity-large-before', 'medium'],
  ['hunyuan-large', 'hunyuan-small'],
  ['dots-llm1', 'dots-small'],
])('refuses %s with a smaller preset of its family', async (id, smaller) => {
  run = recordedTrainer();
  // No adapter is open: what every one of them holds is what counts.
  const { refusal } = await run.trainer.plan(experimentOn(id));
  expect(refusal?.message).toMatch(/GiB/);
  expect(refusal?.fits).toBe(smaller);
});

it('offers to recompute blocks where that alone makes a run fit', async () => {
  run = recordedTrainer();
  const wide: Experiment = {
    preset: 'medium',
    changes: { data: { batchSequences: 12 } },
    timeline: [],
  };
  const { refusal } = await run.trainer.plan(wide);
  expect(refusal?.fits).toBe('medium');
  const changes = { ...wide.changes, run: { activationCheckpointing: true } };
  const recomputed = await run.trainer.plan({ ...wide, changes });
  expect(recomputed.refusal).toBeUndefined();
  expect(recomputed.bytes.total).toBe(refusal?.recomputedBytes);
  // Too large either way.
  expect((await run.trainer.plan(experimentOn('trinity-nano'))).refusal).toMatchObject({
    recomputedBytes: undefined,
  });
});
