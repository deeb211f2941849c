/** @file Measures a needle grid pass by pass between training steps; deterministic for a seed. */
import type { Settings } from '@/engine/config/settings';
import { needleGridShape, needleText } from '@/engine/data/needles';
import type { NeedleGrid } from './commands';
import type { NeedleResult, Session } from './session';

interface Pass {
  readonly column: number;
  readonly row: number;
  readonly firstTrial: number;
  readonly trials: number;
}

export class NeedleProbe {
  readonly #passes: Pass[] = [];
  readonly #lengths: readonly number[];
  readonly #depths: readonly number[];
  readonly #found: Float64Array;
  readonly #logProbability: Float64Array;
  readonly #measured: Uint32Array;
  readonly #trials: number;
  readonly #keys: number;
  #step: number;
  #running = 0;
  #latest: Promise<unknown> | undefined;

  /** @param firstStep finished steps when it began. */
  constructor(
    readonly session: Session,
    readonly settings: Settings,
    readonly firstStep: number,
  ) {
    const { lengths, depths } = needleGridShape(settings.data.contextLength);
    this.#lengths = lengths;
    this.#depths = depths;
    this.#step = firstStep;
    this.#trials = settings.probes.needleTrials;
    this.#keys = settings.probes.needleKeys;
    const cells = lengths.length * depths.length;
    this.#found = new Float64Array(cells);
    this.#logProbability = new Float64Array(cells);
    this.#measured = new Uint32Array(cells);
    for (const column of lengths.keys()) {
      const size = session.needleSequences(column);
      for (const row of depths.keys()) {
        for (let first = 0; first < this.#trials; first += size) {
          this.#passes.push({
            column,
            row,
            firstTrial: first,
            trials: Math.min(size, this.#trials - first),
          });
        }
      }
    }
  }

  /** No pass is left to submit and none is on its way. */
  get isComplete(): boolean {
    return this.#passes.length === 0 && this.#running === 0;
  }

  /**
   * Submits the next pass, if its read-back is free, with the weights after `step` steps.
   * Resolves when its results have arrived; true when that completed a cell.
   */
  async advance(step: number): Promise<boolean> {
    const pass = this.#passes[0];
    if (!pass || !this.session.isNeedleReady(pass.column)) {
      // Who loops over this must not turn without end: what is on its way is a task, not a microtask.
      await this.#latest;
      return false;
    }
    this.#passes.shift();
    this.#step = step;
    this.#running++;
    const { column, row, firstTrial, trials } = pass;
    const texts = Array.from({ length: trials }, (_, i) =>
      needleText({
        length: this.#lengths[column]!,
        depth: this.#depths[row]!,
        keys: this.#keys,
        seed: this.settings.run.seed,
        trial: firstTrial + i,
      }),
    );
    const finding = this.session.findNeedles(column, texts);
    this.#latest = finding;
    try {
      return this.#record(row * this.#lengths.length + column, await finding);
    } finally {
      this.#running--;
    }
  }

  #record(cell: number, results: readonly NeedleResult[]): boolean {
    for (const { isFound, logProbability } of results) {
      this.#found[cell]! += Number(isFound);
      this.#logProbability[cell]! += logProbability;
      this.#measured[cell]!++;
    }
    return this.#measured[cell] === this.#trials;
  }

  /** The grid so far; cells that are not complete are NaN. */
  grid(): NeedleGrid {
    const mean = (sums: Float64Array) =>
      Float32Array.from(sums, (sum, i) =>
        this.#measured[i] === this.#trials ? sum / this.#trials : Number.NaN,
      );
    return {
      firstStep: this.firstStep,
      step: this.#step,
      keys: this.#keys,
      trials: this.#trials,
      lengths: this.#lengths,
      depths: this.#depths,
      accuracy: mean(this.#found),
      logProbability: mean(this.#logProbability),
      trainingLength: this.settings.data.contextLength,
      isComplete: this.isComplete,
    };
  }
}

/** Mean accuracy, 0 to 1, of the cells inside and beyond the training length; NaN where none is measured. */
export function needleAccuracy({ accuracy, lengths, trainingLength }: NeedleGrid): {
  inside: number;
  beyond: number;
} {
  const mean = (wanted: (length: number) => boolean) => {
    const cells = [...accuracy].filter(
      (a, i) => !Number.isNaN(a) && wanted(lengths[i % lengths.length]!),
    );
    return cells.length > 0 ? cells.reduce((a, b) => a + b, 0) / cells.length : Number.NaN;
  };
  return { inside: mean((n) => n <= trainingLength), beyond: mean((n) => n > trainingLength) };
}
