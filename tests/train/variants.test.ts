import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Value } from '@/engine/config/field';
import { type SettingPath, type Settings, withValue } from '@/engine/config/settings';
import { domainIds } from '@/engine/data/domains';
import { createBatchSource } from '@/engine/data/source';
import { fixedTuning, JOINED, joiningQuestion, type Tuning } from '@/engine/gpu/tuning';
import { recordStep } from '@/engine/train/recordStep';
import { Session } from '@/engine/train/session';
import { RunState } from '@/engine/train/state';
import { openLab } from '../support/lab';
import { tiny, tinyModels } from '../support/tinyModels';

vi.mock('@/shaders/matmul.subgroupMatrix.wgsl?raw', async (original) => {
  const { emulated } = await import('../support/emulatedMatrices');
  return emulated(await original());
});

const lab = openLab();
let session: Session | undefined;
afterEach(() => session?.destroy());

const STEPS = 30;
const quiet = () => {};
// Whole fours everywhere, heads as wide as others; experts with shared ones, local and global layers.
const settings = tiny('micro', { headWidth: 16 });

interface Trajectory {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly kernels: ReadonlySet<string>;
}

async function trajectory(tuning: Tuning, of = settings, steps = STEPS): Promise<Trajectory> {
  const { length } = domainIds;
  session = await Session.create(lab.open(), of, length, quiet, { tuning });
  await session.stepper.start(of.run.seed);
  const source = createBatchSource(of, {}, undefined);
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < steps; step++) {
    const inputs = { step, batches: [await source.next()], settings: of };
    const { crossEntropy, gradientNorm } = await session.stepper.step(inputs, {}, 1);
    losses.push(crossEntropy);
    norms.push(gradientNorm);
  }
  const { microBatch, update } = session.assembly.step;
  const used = [...microBatch.dispatches, ...update.dispatches].map(({ kernel }) => kernel.name);
  return { losses, norms, kernels: new Set(used) };
}

/** Tunings of one op; the others keep the plain kernels. */
const only =
  (op: string, variant: string | undefined): Tuning =>
  (question) =>
    question.op === op ? variant : 'plain';

/** This for every op, and what does not depend on each other at once. */
const joinedWith =
  (variant: string | undefined): Tuning =>
  ({ op }) =>
    op === joiningQuestion.op ? JOINED : variant;

let plain: Promise<Trajectory> | undefined;
const plainly = (): Promise<Trajectory> => {
  plain ??= trajectory(() => 'plain');
  return plain;
};

describe('thirty steps', () => {
  it('learn something, by plain kernels only', async () => {
    const { losses, kernels } = await plainly();
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);
    const products = [...kernels].filter((name) => /^(matmul|groupedMatmul|attention)/.test(name));
    expect(products.filter((name) => /vec4|tile|subgroup|shared/.test(name))).toEqual([]);
  });

  // One order of summation: not a bit may differ.
  it.each([
    ['matmul', undefined, 'matmul.tile'],
    ['matmul', 'shared32', 'matmul.shared'],
    ['matmul', 'subgroup8', 'matmul.subgroup'],
    ['matmul', 'subgroup8tall', 'matmul.subgroup'],
    ['matmul', 'subgroupMatrix', 'matmul.subgroupMatrix'],
    ['groupedMatmul', undefined, 'groupedMatmul.dw.tile'],
    ['groupedMatmul', 'shared64', 'groupedMatmul.shared'],
    ['groupedMatmul', 'subgroup8', 'groupedMatmul.subgroup'],
    ['groupedMatmul', 'subgroup8tall', 'groupedMatmul.subgroup'],
    ['together', JOINED, 'headNormRope.backward.vec4 + headNormRope.gains.vec4'],
  ])('%s by %s have the bits of the plain kernels', async (op, variant, kernel) => {
    if (variant?.startsWith('subgroup8') && lab.open().subgroupSize < 8) return;
    const want = await plainly();
    const { losses, norms, kernels } = await trajectory(only(op, variant));
    expect(kernels).toContain(kernel);
    expect(losses).toEqual(want.losses);
    expect(norms).toEqual(want.norms);
  });

  // Another order than the plain kernels', whose rounding thirty steps of training carry on.
  it.each([
    ['rows', 'attention.forward.vec4'],
    ['matrices', 'attention.forward.c16'],
    ['subgroup8', 'attention.forward.subgroup'],
  ])('attention by %s stays within 1e-4 of the plain kernels', async (variant, kernel) => {
    if (variant === 'subgroup8' && lab.open().subgroupSize < 8) return;
    const want = await plainly();
    const { losses, kernels } = await trajectory(only('attention', variant));
    expect(kernels).toContain(kernel);
    for (const [step, loss] of losses.entries()) {
      expect(Math.abs(loss - want.losses[step]!), `step ${step}`).toBeLessThan(1e-4);
    }
  });

  it('have the same bits with every choice that a tuning may make', async () => {
    if (lab.open().subgroupSize < 8) return;
    const fixed = await trajectory(fixedTuning);
    session?.destroy();
    const tuned = await trajectory(joinedWith('subgroup8'));
    expect(tuned.kernels).toContain(
      'groupedMatmul.dw.subgroup + groupedMatmul.subgroup.swigluBackward',
    );
    expect(tuned.losses).toEqual(fixed.losses);
    expect(tuned.norms).toEqual(fixed.norms);
  });
});

const runOf = (path: SettingPath, value: Value): Settings => withValue(settings, path, value);

describe('two steps of every kind of model', () => {
  it.each([
    ...tinyModels,
    ['recomputed', runOf('run.activationCheckpointing', true)],
    ['rounded to MXFP8', runOf('model.linearPrecision', 'mxfp8')],
    ['stored in bf16', runOf('run.storage', 'bf16')],
  ] as const)('have the same bits with dispatches joined: %s', async (_, model) => {
    const apart = await trajectory(fixedTuning, model, 2);
    session?.destroy();
    const joined = await trajectory(joinedWith(undefined), model, 2);
    expect(joined.kernels).not.toEqual(apart.kernels);
    expect(joined.losses).toEqual(apart.losses);
    expect(joined.norms).toEqual(apart.norms);
  });
});

describe('dispatches of one more layer', () => {
  const LIMITS = { maxBufferBytes: 2 ** 30, maxBindingBytes: 2 ** 30 };
  const count = (tuning: Tuning, layerCount: number, denseLayerCount: number) => {
    const model = { ...settings.model, layerCount, denseLayerCount };
    const state = new RunState({ ...settings, model }, LIMITS, 32, domainIds.length, tuning);
    const always = recordStep(state).microBatch.dispatches.filter((one) => !one.section);
    return always.length;
  };
  it.each([
    ['fixed kernels', fixedTuning, 52, 33],
    ['kernels that end in SwiGLU', () => 'subgroup8', 48, 31],
    ['those, joined', joinedWith('subgroup8'), 34, 23],
  ] as const)('with experts and without, by %s', (_, tuning, mixture, dense) => {
    expect(count(tuning, 5, 2) - count(tuning, 4, 2)).toBe(mixture);
    expect(count(tuning, 5, 3) - count(tuning, 4, 2)).toBe(dense);
  });
});
