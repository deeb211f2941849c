/**
 * @file What a run tells, as JSON lines: one object a line, `event` first. Scalars stand under the names
 * of the metrics table. Lines are written as they come, so a run that dies leaves all that it told; where it is
 * then resumed, steps after its last checkpoint stand twice.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { AdapterReport } from '@/engine/index';
import { type Events, encodeLink, type RunInfo } from '@/engine/index';

export class MetricsFile {
  readonly #file: number;
  /** Lines told before the head was known; undefined from then on. */
  #early: string[] | undefined = [];

  /**
   * Replaces a file of that name.
   * @param isContinued adds to the file instead: the run that it is about goes on
   * @throws where it cannot be written
   */
  constructor(path: string, isContinued: boolean) {
    this.#file = openSync(path, isContinued ? 'a' : 'w');
  }

  /** The head: what is run, where, from which step on, and how large it is. */
  start({ experiment, plan, startStep }: RunInfo, adapter: AdapterReport): void {
    const { parameterCount, activeParameterCount, tokensPerStep, bytes } = plan;
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#line('start', {
      step: startStep,
      preset: experiment.preset,
      link: encodeLink(experiment),
      adapter: adapter.name,
      isSoftware: adapter.isSoftware,
      parameterCount,
      activeParameterCount,
      tokensPerStep,
      bytes,
    });
    for (const line of early) writeSync(this.#file, line);
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

  /** Nothing is written of a run that never began. */
  end(step: number, isInterrupted: boolean): void {
    if (!this.#early) this.#line('end', { step, isInterrupted });
    closeSync(this.#file);
  }

  #line(event: string, data: object): void {
    const line = `${JSON.stringify({ event, ...data })}\n`;
    if (this.#early) this.#early.push(line);
    else writeSync(this.#file, line);
  }
}
