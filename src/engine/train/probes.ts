/** @file What is measured and generated between training steps, a slice at a time. */
import { mixtureLayers } from '@/engine/config/layers';
import type { MetricValues } from '@/engine/config/metrics';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { Random } from '@/engine/math/random';
import type { Events, GenerateRequest, Sample } from './commands';
import { Generation } from './generator';
import { batchMaxVio, globalMaxVio } from './loadFigures';
import { NeedleProbe, needleAccuracy } from './needleProbe';
import type { Session } from './session';

export type Emit = <K extends keyof Events>(event: K, data: Events[K]) => void;

interface GenerationJob {
  readonly generation: Generation;
  resolve(sample: Sample): void;
  reject(error: unknown): void;
}

export class Probes {
  readonly #emit: Emit;
  readonly #heldOut: readonly Batch[];
  readonly #generations: GenerationJob[] = [];
  #session: Session;
  #needles: NeedleProbe | undefined;

  constructor(session: Session, heldOut: readonly Batch[], emit: Emit) {
    this.#session = session;
    this.#heldOut = heldOut;
    this.#emit = emit;
  }

  /** Something is left to do. */
  get isBusy(): boolean {
    return this.#generations.length > 0 || this.#needles !== undefined;
  }

  /** Starts what is due after `step` submitted steps. */
  schedule(step: number, settings: Settings): void {
    const { probes, run } = settings;
    const isDue = (every: number) => every > 0 && step % every === 0;
    if (isDue(probes.evalEvery)) void this.evaluate(step).catch(() => {}); // a lost device is told by the step
    if (isDue(probes.needleEvery)) this.startNeedles(step, settings);
    if (!isDue(probes.sampleEvery)) return;
    const seed = Random.seeded(run.seed).split('sample', step).uint32();
    const { samplePrompt: prompt, sampleLength: length, sampleTemperature: temperature } = probes;
    void this.generate({ prompt, length, temperature, seed }, step).then(
      (sample) => this.#emit('sample', sample),
      () => {}, // as above
    );
  }

  /** Measures all held-out text with the weights of now, and tells it; nothing where the mixture holds nothing out. */
  async evaluate(step: number): Promise<MetricValues> {
    // All passes are submitted before any is awaited, so all see the weights of this step.
    const results = await Promise.all(this.#heldOut.map((batch) => this.#session.evaluate(batch)));
    const valid = results.reduce((sum, { validTargets }) => sum + validTargets, 0);
    if (valid === 0) return {};
    const crossEntropy =
      results.reduce((sum, r) => sum + r.crossEntropy * r.validTargets, 0) / valid;
    const { model } = this.#session.assembly.state.settings;
    const counts = results.map((result) => result.counts);
    const values = {
      'eval.crossEntropy': crossEntropy,
      'eval.bitsPerByte': crossEntropy / Math.LN2,
      ...(mixtureLayers(model).length > 0
        ? {
            'router.globalMaxVio': globalMaxVio(counts, model.expertCount),
            'router.batchMaxVio': batchMaxVio(counts, model.expertCount),
          }
        : {}),
    };
    this.#emit('metrics', { step, values });
    return values;
  }

  /** Queues a text; resolves when it is complete. */
  generate(request: GenerateRequest, step: number): Promise<Sample> {
    return new Promise((resolve, reject) => {
      const generation = new Generation(this.#session, request, step);
      this.#generations.push({ generation, resolve, reject });
    });
  }

  /** Starts a needle grid unless one is under way. */
  startNeedles(step: number, settings: Settings): void {
    this.#needles ??= new NeedleProbe(this.#session, settings, step);
  }

  /** Submits one slice of everything under way; resolves when what it completed has arrived. */
  async advance(step: number): Promise<void> {
    await Promise.all([this.#advanceGeneration(), this.#advanceNeedles(step)]);
  }

  /** Drops everything: the run goes on from another step, perhaps on another device. */
  restart(session: Session): void {
    this.#session = session;
    this.#needles = undefined;
    for (const { reject } of this.#generations.splice(0)) {
      reject(new Error('the run went back to an earlier step'));
    }
  }

  async #advanceGeneration(): Promise<void> {
    const job = this.#generations[0];
    if (!job?.generation.advance()) return;
    this.#generations.shift();
    await job.generation.finish().then(job.resolve, job.reject);
  }

  async #advanceNeedles(step: number): Promise<void> {
    const probe = this.#needles;
    if (!probe || !(await probe.advance(step)) || probe !== this.#needles) return;
    const grid = probe.grid();
    this.#emit('needles', grid);
    if (!grid.isComplete) return;
    this.#needles = undefined;
    const { inside, beyond } = needleAccuracy(grid);
    const values = {
      ...(Number.isNaN(inside) ? {} : { 'needle.accuracy': 100 * inside }),
      ...(Number.isNaN(beyond) ? {} : { 'needle.accuracyBeyond': 100 * beyond }),
    };
    this.#emit('metrics', { step: grid.step, values });
  }
}
