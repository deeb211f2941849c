/**
 * @file What a run tells, as JSON lines: one object a line, `event` first. Scalars stand under the names
 * of the metrics table. Lines are written as they come, so a run that dies leaves all that it told.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { AdapterReport } from '@/engine/index';
import { type Events, encodeLink, type RunInfo } from '@/engine/index';

export class MetricsFile {
  readonly #file: number;

  /** Replaces a file of that name. @throws where it cannot be written */
  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  /** The head: what is run, where, and how large it is. */
  start({ experiment, plan }: Pick<RunInfo, 'experiment' | 'plan'>, adapter: AdapterReport): void {
    const { parameterCount, activeParameterCount, tokensPerStep, bytes } = plan;
    this.#line('start', {
      preset: experiment.preset,
      link: encodeLink(experiment),
      adapter: adapter.name,
      isSoftware: adapter.isSoftware,
      parameterCount,
      activeParameterCount,
      tokensPerStep,
      bytes,
    });
  }

  /** What a trainer told; maps and states that change with every step are left out. */
  told<K extends keyof Events>(event: K, data: Events[K]): void {
    const { metrics, load, needles, sample, changed, recovered, failed }: Partial<Events> = {
      [event]: data,
    };
    if (metrics) this.#line('metrics', { step: metrics.step, ...metrics.values });
    if (load) this.#line('load', { step: load.step, maxVio: [...load.maxVio] });
    if (needles?.isComplete) {
      const { isComplete: _, accuracy, logProbability, ...grid } = needles;
      const cells = { accuracy: [...accuracy], logProbability: [...logProbability] };
      this.#line('needles', { ...grid, ...cells });
    }
    const told = sample ?? changed ?? recovered ?? failed;
    if (told) this.#line(event, told);
  }

  end(step: number, isInterrupted: boolean): void {
    this.#line('end', { step, isInterrupted });
    closeSync(this.#file);
  }

  #line(event: string, data: object): void {
    writeSync(this.#file, `${JSON.stringify({ event, ...data })}\n`);
  }
}
