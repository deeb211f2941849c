/**
 * @file Whole tiny models, three steps each, in every combination of the optimizer's choices: the weights after
 * them against the same update in float64, made from the gradients that the device found.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import type { Arena } from '@/engine/gpu/arena';
import { Tensor } from '@/engine/gpu/tensor';
import { Session } from '@/engine/train/session';
import { type ReferenceWeight, update } from '../reference/optimizer';
import { relativeError } from '../support/close';
import { download, openLab } from '../support/lab';
import { localData, openTrainers, tinyExperiment, trainPast } from '../support/trainer';

type Optimizer = Settings['optimizer'];

/** Large and all different, so that no group passes with the numbers of another. */
const optimizer = {
  muonLearningRate: 0.03,
  muonWeightDecay: 2,
  muonMomentum: 0.75,
  adamwLearningRate: 0.02,
  adamwWeightDecay: 3,
  embeddingWeightDecay: 5,
  normWeightDecay: 1,
  adamwEps: 1e-6,
  expertRateFactor: 0.31,
  noiseBatch: 640,
  gradientClip: 0.5,
} as const satisfies Partial<Optimizer>;

/** Half the peak, the peak, and a quarter of the way down the second decay: 0.5, 1, 0.6 + (0.2 - 0.6) / 4. */
const schedule = {
  warmupSteps: 2,
  decay: 'linear',
  decayStart: 0,
  totalSteps: 1,
  finalRatio: 0.6,
  secondDecay: 'linear',
  secondEnd: 5,
  secondRatio: 0.2,
} as const;
const FACTORS = [0.5, 1, 0.5];
const TOKENS = 64; // of a micro-batch

const lab = openLab();
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

interface Recorded {
  readonly hidden: Optimizer['hidden'];
  readonly routerOptimizer: Optimizer['routerOptimizer'];
  readonly tiedEmbeddings: boolean;
  readonly microBatches: number;
}

async function created({ tiedEmbeddings, microBatches, ...choices }: Recorded) {
  const changes = {
    model: { tiedEmbeddings },
    optimizer: { ...optimizer, ...choices },
    schedule: { ...schedule, microBatches },
  };
  const settings = resolve(tinyExperiment(changes));
  const session = await Session.create(lab.open(), settings, domainIds.length);
  sessions.push(session);
  const { training } = await localData().openRun(settings);
  const steps: Batch[][] = FACTORS.map(() => []);
  for (const batches of steps)
    for (let i = 0; i < microBatches; i++) batches.push(await training.next());
  expect(steps[0]![0]!.tokens.length).toBe(TOKENS);
  return { session, settings, steps };
}

/** What an arena holds, by the name of the weight that each stretch belongs to. */
async function readAll(
  session: Session,
  arena: Arena,
  pick: (entry: ReturnType<Session['assembly']['state']['weights']['entry']>) => Tensor,
): Promise<Map<string, Float64Array>> {
  const heaps = new Map<unknown, Float64Array>();
  for (const heap of arena.heaps) {
    const whole = new Tensor([heap.bytes / 4], heap.label);
    whole.place = { heap, offset: 0 };
    heaps.set(heap, Float64Array.from(await download(session.open, whole)));
  }
  return new Map(
    [...session.assembly.state.weights.entries()].map((entry) => {
      const { place, length, offset } = pick(entry);
      const values = heaps.get(place!.heap)!;
      return [entry.spec.name, values.slice(offset / 4, offset / 4 + length)];
    }),
  );
}

/** Trains from the seed with settings that may change at each step, and compares every weight's movement. */
async function expectSame(
  { session, steps }: Awaited<ReturnType<typeof created>>,
  settingsAt: (step: number) => Settings,
) {
  const { weights } = session.assembly.state;
  const readWeights = () => readAll(session, weights.weights, ({ weight }) => weight);
  await session.stepper.start(1);
  const before = await readWeights();
  const reference = new Map<string, ReferenceWeight>();
  for (const { spec } of weights.entries()) {
    const values = before.get(spec.name)!;
    const [moment1, moment2] = [new Float64Array(values.length), new Float64Array(values.length)];
    reference.set(spec.name, { shape: spec.shape, weights: values.slice(), moment1, moment2 });
  }
  for (const [step, batches] of steps.entries()) {
    const settings = settingsAt(step);
    await session.stepper.step({ step, batches, settings }, {}, 1);
    const gradients = await readAll(session, weights.gradients, ({ gradient }) => gradient);
    const tokens = TOKENS * batches.length;
    update(reference, gradients, settings, { step, factor: FACTORS[step]!, tokens });
  }
  let worst = { error: 0, name: '' };
  for (const [name, got] of await readWeights()) {
    const error = relativeError(got, reference.get(name)!.weights, before.get(name)!);
    if (!(error <= worst.error)) worst = { error, name };
  }
  // A few roundings of float32, of which five rounds stretch those of small singular values.
  expect(worst.error, worst.name).toBeLessThan(2e-5);
}

const recorded: Recorded[] = [false, true].flatMap((tiedEmbeddings) => [
  { hidden: 'muon', routerOptimizer: 'muon', tiedEmbeddings, microBatches: 1 },
  { hidden: 'muon', routerOptimizer: 'adamw', tiedEmbeddings, microBatches: 2 },
  { hidden: 'adamw', routerOptimizer: 'muon', tiedEmbeddings, microBatches: 1 },
]);

const live = (['same', 'fixed', 'formula'] as const).flatMap((expertRate) =>
  (['classic', 'dion', 'polarExpress'] as const).map((newtonSchulz) => ({
    expertRate,
    newtonSchulz,
  })),
);

const withOptimizer = (settings: Settings, changes: Partial<Optimizer>): Settings => ({
  ...settings,
  optimizer: { ...settings.optimizer, ...changes },
});

describe.each(recorded)(
  'hidden $hidden, router $routerOptimizer, tied $tiedEmbeddings, micro-batches $microBatches',
  (choices) => {
    it('moves every weight as float64 does, with every expert rate and every Newton-Schulz', async () => {
      const run = await created(choices);
      const names = [...run.session.assembly.state.weights.entries()].map(({ spec }) => spec.name);
      expect(names.includes('lm_head.weight')).toBe(!choices.tiedEmbeddings);
      for (const changes of live) await expectSame(run, () => withOptimizer(run.settings, changes));
    });

    it('obeys every live row from the next step on', async () => {
      const run = await created(choices);
      const changes: Partial<Optimizer>[] = [
        { muonRateRule: 'spectral', muonEps: 0.25, expertRate: 'fixed', muonNesterov: false },
        { muonRateRule: 'rms', newtonSchulz: 'dion', adamwEps: 0.01, expertRate: 'formula' },
        {
          muonRateRule: 'fan',
          newtonSchulz: 'polarExpress',
          muonMomentum: 0.5,
          muonWeightDecay: 4,
          adamwWeightDecay: 1,
          embeddingWeightDecay: 2,
          normWeightDecay: 6,
          noiseBatch: 8,
          expertRate: 'formula',
          gradientClip: 0,
        },
      ];
      await expectSame(run, (step) => withOptimizer(run.settings, changes[step]!));
    });
  },
);

describe('the rates that a step tells', () => {
  const open = openTrainers();

  it.each([
    ['muon', 0.015, 0.01],
    ['adamw', undefined, 0.01],
  ] as const)('are those after the schedule, with %s', async (hidden, muonRate, adamwRate) => {
    const run = open();
    await run.trainer.start(tinyExperiment({ optimizer: { ...optimizer, hidden }, schedule }));
    await trainPast(run, 1);
    const { values } = run.of('metrics').find(({ step }) => step === 1)!;
    expect(values['train.muonLearningRate']).toBe(muonRate);
    expect(values['train.adamwLearningRate']).toBe(adamwRate);
  });
});
