/** @file What is known of which kernels an adapter takes: measured before a run, kept for the next. */
import type { Settings } from '@/engine/config/settings';
import { memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import type { Progress } from '@/engine/gpu/pipelines';
import { fixedTuning, type Tuning, type TuningTable, tunedBy } from '@/engine/gpu/tuning';
import { autotune } from './autotune';
import { stepQuestions } from './stepQuestions';

/** Keeps a table for each adapter, wherever the host keeps things. Losing one costs a moment of measuring. */
export interface TuningStore {
  read(adapter: string): Promise<TuningTable | undefined>;
  write(adapter: string, table: TuningTable): Promise<void>;
}

/** Goes up when a kernel changes so much that older measurements mislead. */
const VERSION = 5;

type Adapter = Pick<OpenDevice, 'info' | 'hasSubgroupMatrices'>;

/** What a table holds for. A browser may be told to allow an experiment, and no longer to. */
export const adapterKey = ({ info, hasSubgroupMatrices }: Adapter): string => {
  const parts = [info.vendor, info.architecture, info.name, `v${VERSION}`];
  return [...parts, ...(hasSubgroupMatrices ? ['matrices'] : [])].join(' | ');
};

export class Tuner {
  readonly #store: TuningStore | undefined;
  #adapter: string | undefined;
  #table: TuningTable = {};

  /** @param store none: every run takes the fixed choice. */
  constructor(store: TuningStore | undefined) {
    this.#store = store;
  }

  /** What a run of these settings would record with, as far as it is known. */
  tuning({ run }: Settings): Tuning {
    return run.autotune && this.#store ? tunedBy(this.#table) : fixedTuning;
  }

  /** Takes over what is kept of an adapter. */
  async meet(open: Adapter): Promise<void> {
    const adapter = adapterKey(open);
    if (this.#adapter === adapter) return;
    this.#adapter = adapter;
    // A store that cannot be read is an empty one.
    this.#table = (await this.#store?.read(adapter).catch(() => undefined)) ?? {};
  }

  /**
   * Measures what the settings ask of the adapter and nobody knows yet. Returns whether it learned something.
   * @throws {DeviceLostError}
   */
  async learn(open: OpenDevice, settings: Settings, progress?: Progress): Promise<boolean> {
    if (!settings.run.autotune || !this.#store) return false;
    await this.meet(open);
    const known = this.#table;
    const questions = stepQuestions(settings, memoryLimits(open.device));
    this.#table = await autotune(open, questions, known, progress);
    const isMore = Object.keys(this.#table).length > Object.keys(known).length;
    // Not being able to keep it costs the next run its time, and this one nothing.
    if (isMore) await this.#store.write(adapterKey(open), this.#table).catch(() => {});
    return isMore;
  }
}
