/** @file A trainer in this process on a tiny experiment, with its events recorded. */
import { readFileSync } from 'node:fs';
import { afterEach } from 'vitest';
import type { Experiment } from '@/engine/config/experiment';
import type { SettingsChanges } from '@/engine/config/settings';
import { createDataService, type DataService } from '@/engine/data/service';
import { nodeGpu } from '@/engine/node';
import type { Events } from '@/engine/train/commands';
import { Trainer } from '@/engine/train/trainer';
import type { TuningStore } from '@/engine/tune/tuner';

/** Small enough that a step takes milliseconds, with every mechanism of the model in it. */
const tinyModel: NonNullable<SettingsChanges['model']> = {
  width: 16,
  layerCount: 4,
  headCount: 2,
  kvHeadCount: 1,
  headWidth: 8,
  window: 8,
  denseWidth: 16,
  expertCount: 4,
  expertWidth: 8,
};

/** An experiment on micro, shrunken, without probes unless asked for. */
export function tinyExperiment(changes: SettingsChanges = {}): Experiment {
  return {
    preset: 'micro',
    changes: {
      ...changes,
      model: { ...tinyModel, ...changes.model },
      data: { contextLength: 32, batchSequences: 2, ...changes.data },
      probes: { evalEvery: 0, needleEvery: 0, sampleEvery: 0, ...changes.probes },
    },
    timeline: [],
  };
}

const corpus = (id: string) =>
  new Uint8Array(readFileSync(new URL(`../../public/corpora/${id}.txt`, import.meta.url)));
export const localData = (): DataService => createDataService(async (id) => corpus(id));

type Told = { [K in keyof Events]: { readonly event: K; readonly data: Events[K] } }[keyof Events];

export interface Recorded {
  readonly trainer: Trainer;
  readonly told: Told[];
  /** Payloads of one kind of event so far. */
  of<K extends keyof Events>(event: K): Events[K][];
  /** Full-precision training losses by step. */
  losses(): number[];
  /** Resolves with the first payload of that kind, told from now on or before. */
  next<K extends keyof Events>(event: K, holds?: (data: Events[K]) => boolean): Promise<Events[K]>;
}

export function recordedTrainer(
  data: DataService = localData(),
  gpu: () => GPU | undefined = nodeGpu,
  tunings?: TuningStore,
): Recorded {
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  const tell = <K extends keyof Events>(event: K, payload: Events[K]) => {
    told.push({ event, data: payload } as Told);
    for (const check of [...waiting]) check();
  };
  const trainer = new Trainer(gpu, data, tell, tunings);
  const of = <K extends keyof Events>(event: K) =>
    told.filter((t) => t.event === event).map((t) => t.data as Events[K]);
  return {
    trainer,
    told,
    of,
    losses: () => of('metrics').flatMap(({ values }) => values['train.loss'] ?? []),
    next: (event, holds = () => true) =>
      new Promise((resolve) => {
        const check = () => {
          const found = of(event).find(holds);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Trainers of a test file, closed after each test. */
export function openTrainers(): typeof recordedTrainer {
  const open: Recorded[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ trainer }) => trainer.close()));
  });
  return (...parts) => {
    const recorded = recordedTrainer(...parts);
    open.push(recorded);
    return recorded;
  };
}

/** Trains until `steps` steps are finished, then pauses; a few more may be done by then. */
export async function trainPast({ trainer, next }: Recorded, steps: number): Promise<void> {
  await trainer.play();
  await next('metrics', ({ step, values }) => step >= steps && values['train.loss'] !== undefined);
  await trainer.pause();
}
