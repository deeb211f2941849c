/**
 * @file The recorded curves. They live outside React: thousands of points arrive a minute, and no
 * component may copy them. React sees only that something changed, at most once a frame.
 */
import { type MetricName, type MetricValues, metrics } from '@/engine/config/metrics';
import { Curve, type Point } from './curve';
import type { Signal } from './signal';

export class Series {
  readonly signal: Signal;
  readonly #curves = new Map<MetricName, Curve>();
  #lastStep = 0;

  constructor(signal: Signal) {
    this.signal = signal;
  }

  /** Steps finished, by the newest metrics or phase. */
  get lastStep(): number {
    return this.#lastStep;
  }

  record(step: number, values: MetricValues): void {
    for (const [name, value] of Object.entries(values)) {
      if (name in metrics) this.#curve(name as MetricName).push(step, value);
    }
    this.moveTo(Math.max(step, this.#lastStep));
  }

  /** The run stands after `step`, also where no metric of that step came. */
  moveTo(step: number): void {
    this.#lastStep = step;
    if (this.latest('train.step')?.value !== step) this.#curve('train.step').push(step, step);
    this.signal.touch();
  }

  /** The newest value of a metric; undefined before its first. The same object until a newer comes. */
  latest(metric: MetricName): Point | undefined {
    return this.#curves.get(metric)?.latest;
  }

  /** At most `limit` points of a metric. */
  points(metric: MetricName, limit: number): Point[] {
    return this.#curves.get(metric)?.points(limit) ?? [];
  }

  nearest(metric: MetricName, step: number): Point | undefined {
    return this.#curves.get(metric)?.nearest(step);
  }

  /** The run goes on from `step`: what came after it is forgotten. */
  truncateAfter(step: number): void {
    for (const curve of this.#curves.values()) curve.truncateAfter(step);
    this.moveTo(step);
  }

  clear(): void {
    this.#curves.clear();
    this.#lastStep = 0;
    this.signal.touch();
  }

  #curve(metric: MetricName): Curve {
    let curve = this.#curves.get(metric);
    if (!curve) {
      curve = new Curve();
      this.#curves.set(metric, curve);
    }
    return curve;
  }
}
