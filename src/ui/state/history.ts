/**
 * @file Rows of numbers over the steps of a run, as the columns of a heatmap: one typed array, at
 * most `capacity` columns. When it is full, columns are averaged in pairs and each stands for twice
 * the steps. A column that was never written (nobody watched) weighs nothing.
 */

/** Columns that a history holds: more than a chart has pixels. */
export const HISTORY_CAPACITY = 2048;

const FIRST_ROOM = 128;

export class History {
  /** Numbers of one column. */
  readonly width: number;
  readonly #capacity: number;
  #stride = 1;
  #values: Float32Array;
  /** Steps averaged in each column. */
  #weights: Uint32Array;
  #columnCount = 0;

  constructor(width: number, capacity = HISTORY_CAPACITY) {
    this.width = width;
    this.#capacity = capacity;
    const room = Math.min(FIRST_ROOM, capacity);
    this.#values = new Float32Array(room * width);
    this.#weights = new Uint32Array(room);
  }

  /** Steps that a column stands for: column c holds steps c·stride to (c + 1)·stride − 1. */
  get stride(): number {
    return this.#stride;
  }

  get columnCount(): number {
    return this.#columnCount;
  }

  /** Adds the numbers of a step; steps may be left out but must not fall. */
  add(step: number, values: ArrayLike<number>): void {
    while (Math.floor(step / this.#stride) >= this.#capacity) this.#merge();
    const column = Math.floor(step / this.#stride);
    this.#reserve(column + 1);
    const weight = this.#weights[column]!;
    const at = column * this.width;
    for (let row = 0; row < this.width; row++) {
      const mean = this.#values[at + row]!;
      this.#values[at + row] = mean + (values[row]! - mean) / (weight + 1);
    }
    this.#weights[column] = weight + 1;
    this.#columnCount = Math.max(this.#columnCount, column + 1);
  }

  /** Whether any step of that column was written. */
  has(column: number): boolean {
    return column < this.#columnCount && this.#weights[column]! > 0;
  }

  /** The column that holds `step`. */
  columnOf(step: number): number {
    return Math.floor(step / this.#stride);
  }

  /** The mean of one row over the steps of a column; 0 where nothing was written. */
  at(column: number, row: number): number {
    return this.#values[column * this.width + row] ?? 0;
  }

  /** Forgets the columns that hold any step after `step`. */
  truncateAfter(step: number): void {
    const kept = Math.min(this.#columnCount, Math.floor((step + 1) / this.#stride));
    this.#values.fill(0, kept * this.width, this.#columnCount * this.width);
    this.#weights.fill(0, kept, this.#columnCount);
    this.#columnCount = kept;
  }

  #reserve(columns: number): void {
    if (columns <= this.#weights.length) return;
    const room = Math.min(this.#capacity, Math.max(columns, this.#weights.length * 2));
    const values = new Float32Array(room * this.width);
    values.set(this.#values);
    const weights = new Uint32Array(room);
    weights.set(this.#weights);
    this.#values = values;
    this.#weights = weights;
  }

  #merge(): void {
    const merged = Math.ceil(this.#columnCount / 2);
    for (let column = 0; column < merged; column++) {
      const left = this.#weights[2 * column]!;
      const right = this.#weights[2 * column + 1] ?? 0;
      const total = left + right;
      for (let row = 0; row < this.width; row++) {
        const sum = left * this.at(2 * column, row) + right * this.at(2 * column + 1, row);
        this.#values[column * this.width + row] = total > 0 ? sum / total : 0;
      }
      this.#weights[column] = total;
    }
    this.#values.fill(0, merged * this.width, this.#columnCount * this.width);
    this.#weights.fill(0, merged, this.#columnCount);
    this.#columnCount = merged;
    this.#stride *= 2;
  }
}
