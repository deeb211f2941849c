/** @file Small bindings and buffers: what the planner splits, and that training does not notice. */
import { afterEach, describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import { presets } from '@/engine/config/presets';
import { type Settings, type SettingsChanges, withValue } from '@/engine/config/settings';
import { domainIds } from '@/engine/data/domains';
import { createBatchSource } from '@/engine/data/source';
import type { MemoryLimits } from '@/engine/gpu/arena';
import type { Heap, Tensor } from '@/engine/gpu/tensor';
import { type Assembly, assemble } from '@/engine/train/assembly';
import { Session } from '@/engine/train/session';
import type { StepNumbers } from '@/engine/train/stepNumbers';
import { relativeError } from '../support/close';
import { download, openLab } from '../support/lab';
import { tinyExperiment } from '../support/trainer';

const lab = openLab();
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

/** What every WebGPU adapter grants. */
const DEFAULT: MemoryLimits = { maxBufferBytes: 256 * 2 ** 20, maxBindingBytes: 128 * 2 ** 20 };

const tensorsOf = ({ step, heldOut, needles, generation }: Assembly): Tensor[] =>
  [step.microBatch, step.update, heldOut.tape, ...needles.map(({ tape }) => tape), generation]
    .flatMap(({ dispatches }) => dispatches)
    .flatMap(({ tensors }) => Object.values(tensors));

describe('the limits that every adapter grants', () => {
  it.each(presets.filter(({ published }) => !published).map(({ id }) => id))(
    'hold %s, with all that is bound and all buffers',
    (id) => {
      const assembly = assemble(resolve(experimentOn(id)), DEFAULT, domainIds.length);
      const heaps = new Set<Heap>();
      for (const tensor of tensorsOf(assembly)) {
        const { heap, offset } = tensor.place!;
        heaps.add(heap);
        expect(tensor.bytes, tensor.label).toBeLessThanOrEqual(DEFAULT.maxBindingBytes);
        expect(offset + tensor.bytes, tensor.label).toBeLessThanOrEqual(heap.bytes);
      }
      for (const heap of heaps) {
        expect(heap.bytes, heap.label).toBeLessThanOrEqual(DEFAULT.maxBufferBytes);
      }
    },
  );

  it('cut the weights of medium into several buffers, and its optimizer into ranges', () => {
    const { state } = assemble(resolve(experimentOn('medium')), DEFAULT, domainIds.length);
    const { weights, gradients, muon } = state.weights;
    expect(weights.bytes).toBeGreaterThan(DEFAULT.maxBufferBytes);
    expect([weights.heaps.length, gradients.heaps.length]).toEqual([2, 2]);
    expect(muon.filter(({ group }) => group === 'experts').length).toBeGreaterThan(2);
  });
});

/** Much less than this model: its largest single tensor just fits. */
const SMALL: MemoryLimits = { maxBufferBytes: 192 * 2 ** 10, maxBindingBytes: 128 * 2 ** 10 };

function settingsWith(optimizer: NonNullable<SettingsChanges['optimizer']>): Settings {
  const model = { width: 32, headWidth: 16, expertCount: 16, expertWidth: 32, denseWidth: 64 };
  return resolve(tinyExperiment({ model, optimizer, schedule: { warmupSteps: 0 } }));
}

interface Trained {
  readonly session: Session;
  readonly numbers: readonly StepNumbers[];
}

async function trained(settings: Settings, limits?: MemoryLimits): Promise<Trained> {
  const quiet = () => {};
  const session = await Session.create(lab.open(), settings, domainIds.length, quiet, { limits });
  sessions.push(session);
  await session.stepper.start(settings.run.seed);
  const changes = { ...settings.data, novelWeight: 0, speechesWeight: 0, codeWeight: 0 };
  const source = createBatchSource({ ...settings, data: changes }, {}, undefined);
  const numbers: StepNumbers[] = [];
  for (let step = 0; step < 4; step++) {
    const inputs = { step, batches: [await source.next()], settings };
    numbers.push(await session.stepper.step(inputs, {}, 1));
  }
  return { session, numbers };
}

/** Largest relative error of a weight, 0 where all bits are equal. */
async function difference(a: Session, b: Session): Promise<number> {
  let worst = 0;
  for (const { spec, weight } of a.assembly.state.weights.entries()) {
    const other = b.assembly.state.weights.entry(spec.name).weight;
    const [want, got] = [await download(lab.open(), weight), await download(lab.open(), other)];
    worst = Math.max(worst, relativeError(got, want));
  }
  return worst;
}

describe.each(['muon', 'adamw'] as const)(
  'a model cut into small buffers, moved by %s',
  (hidden) => {
    it('trains to the same bits where the norm of the gradient scales nothing', async () => {
      const settings = settingsWith({ hidden, gradientClip: 0 });
      const whole = await trained(settings);
      const cut = await trained(settings, SMALL);
      const { weights, pool } = cut.session.assembly.state;
      expect(weights.weights.heaps.length).toBeGreaterThan(2);
      expect(pool.heaps.length).toBeGreaterThan(whole.session.assembly.state.pool.heaps.length);
      const ranges = (session: Session) => session.assembly.state.weights[hidden].length;
      expect(ranges(cut.session)).toBeGreaterThan(ranges(whole.session));
      const unlike = { gradientNorm: undefined };
      cut.numbers.forEach((numbers, step) => {
        const want = whole.numbers[step]!;
        expect({ ...numbers, ...unlike }).toEqual({ ...want, ...unlike });
        // Its sum has other partial sums.
        expect(Math.abs(numbers.gradientNorm / want.gradientNorm - 1)).toBeLessThan(1e-6);
      });
      expect(await difference(whole.session, cut.session)).toBe(0);
    });

    it('trains to rounding with clipping, blocks recomputed or not', async () => {
      const settings = settingsWith({ hidden, gradientClip: 0.05 });
      const whole = await trained(settings);
      for (const isOn of [false, true]) {
        const cut = await trained(withValue(settings, 'run.activationCheckpointing', isOn), SMALL);
        expect(await difference(whole.session, cut.session)).toBeLessThan(1e-5);
      }
    });
  },
);
