/**
 * @file One number over the steps of a run, in bounded memory. While it is short it holds every
 * point; when it is full, steps are taken together and each group keeps its lowest and its highest
 * point, so that a spike stays to be seen however long the run.
 */

export interface Point {
  /** Steps finished. */
  readonly step: number;
  readonly value: number;
}

/** Points that a curve holds before it takes steps together. */
export const CURVE_CAPACITY = 4096;

export class Curve {
  readonly #capacity: number;
  readonly #groups = new Groups();
  /** Steps of one group. */
  #stride = 1;
  #latest: Point | undefined;

  constructor(capacity = CURVE_CAPACITY) {
    this.#capacity = capacity;
  }

  /** The newest point exactly as it came, also where it is not finite. */
  get latest(): Point | undefined {
    return this.#latest;
  }

  /** Points held. */
  get length(): number {
    return this.#groups.steps.length;
  }

  /** Adds a point; steps must not fall. A step that comes again replaces its value. */
  push(step: number, value: number): void {
    this.#latest = { step, value };
    if (!Number.isFinite(value)) return;
    this.#groups.add(step, value, Math.floor(step / this.#stride));
    while (this.length > this.#capacity) this.#coarsen();
  }

  /** Forgets every point after `step`: those steps are done again. */
  truncateAfter(step: number): void {
    this.#groups.truncateAfter(step);
    if (!this.#latest || this.#latest.step <= step) return;
    this.#latest = this.#groups.point(this.length - 1);
  }

  /** At most `limit` points, lowest and highest of equal spans of steps; the newest one always. */
  points(limit: number): Point[] {
    const { steps, values } = this.#groups;
    const points: Point[] = [];
    if (this.length <= limit - 1) {
      for (let i = 0; i < steps.length; i++) points.push({ step: steps[i]!, value: values[i]! });
    } else {
      const first = steps[0]!;
      const spans = Math.floor((limit - 1) / 2);
      const span = (steps[steps.length - 1]! - first + 1) / spans;
      const coarse = new Groups();
      for (let i = 0; i < steps.length; i++) {
        coarse.add(steps[i]!, values[i]!, Math.floor((steps[i]! - first) / span));
      }
      for (let i = 0; i < coarse.steps.length; i++) points.push(coarse.point(i)!);
    }
    const latest = this.#latest;
    const isLatestMissing = latest && latest.step !== points.at(-1)?.step;
    if (isLatestMissing && Number.isFinite(latest.value)) points.push(latest);
    return points;
  }

  /** The held point nearest to `step`; undefined while there is none. */
  nearest(step: number): Point | undefined {
    const { steps } = this.#groups;
    let low = 0;
    let high = steps.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle]! < step) low = middle + 1;
      else high = middle;
    }
    const isBeforeNearer = low > 0 && step - steps[low - 1]! < Math.abs(steps[low]! - step);
    return this.#groups.point(isBeforeNearer ? low - 1 : low);
  }

  #coarsen(): void {
    // Two points a group: groups of two steps would hold as many points as before.
    this.#stride = this.#stride === 1 ? 4 : this.#stride * 2;
    const { steps, values } = this.#groups.take();
    for (let i = 0; i < steps.length; i++) {
      this.#groups.add(steps[i]!, values[i]!, Math.floor(steps[i]! / this.#stride));
    }
  }
}

/** Points by step, at most two in a group: its lowest and its highest. */
class Groups {
  steps: number[] = [];
  values: number[] = [];
  #group: number[] = [];

  point(index: number): Point | undefined {
    const step = this.steps[index];
    return step === undefined ? undefined : { step, value: this.values[index]! };
  }

  add(step: number, value: number, group: number): void {
    const last = this.steps.length - 1;
    if (this.steps[last] === step) this.values[last] = value;
    else if (last >= 1 && this.#group[last - 1] === group) this.#keepExtremes(step, value, last);
    else this.#append(step, value, group);
  }

  truncateAfter(step: number): void {
    let length = this.steps.length;
    while (length > 0 && this.steps[length - 1]! > step) length--;
    this.steps.length = length;
    this.values.length = length;
    this.#group.length = length;
  }

  /** Empties it and returns what it held. */
  take(): { steps: number[]; values: number[] } {
    const taken = { steps: this.steps, values: this.values };
    this.steps = [];
    this.values = [];
    this.#group = [];
    return taken;
  }

  #append(step: number, value: number, group: number): void {
    this.steps.push(step);
    this.values.push(value);
    this.#group.push(group);
  }

  /** Of a full group's two points and a third, the one between the others goes. */
  #keepExtremes(step: number, value: number, last: number): void {
    const earlier = this.values[last - 1]!;
    const later = this.values[last]!;
    if (isBetween(value, earlier, later)) return;
    if (!isBetween(later, earlier, value)) {
      this.steps[last - 1] = this.steps[last]!;
      this.values[last - 1] = later;
    }
    this.steps[last] = step;
    this.values[last] = value;
  }
}

const isBetween = (value: number, a: number, b: number) =>
  (a <= value && value <= b) || (b <= value && value <= a);
