/**
 * @file A model in float64 that can be gone back through: each step is a plain function of the references here, and its
 * gradient the central differences of it. Products are the exception: they say themselves what they round, both ways.
 */
import { gradient } from '../support/gradient';
import { matmul } from './matmul';
import { roundedExperts, roundedMatmul } from './mxfp8';

export interface Variable {
  readonly value: Float64Array;
  /** What has reached it so far. */
  readonly gradient: Float64Array;
}

export class Graph {
  readonly #backward: (() => void)[] = [];

  /** @param isRounded whether products round both their inputs to MXFP8. */
  constructor(readonly isRounded: boolean) {}

  variable(value: Float64Array): Variable {
    return { value, gradient: new Float64Array(value.length) };
  }

  /** y = f(inputs), differentiated by central differences. */
  step(inputs: readonly Variable[], f: (...values: Float64Array[]) => Float64Array): Variable {
    const run = () => f(...inputs.map(({ value }) => value));
    const y = this.variable(run());
    this.#backward.push(() => {
      const weighed = () => run().reduce((sum, value, i) => sum + value * y.gradient[i]!, 0);
      for (const input of inputs) add(input, gradient(weighed, input.value));
    });
    return y;
  }

  /** y [T, N] = x [T, D] wᵀ; `isRounded` false keeps this one product exact. */
  linear(x: Variable, w: Variable, D: number, isRounded = this.isRounded): Variable {
    const [T, N] = [x.value.length / D, w.value.length / D];
    const product = isRounded ? roundedMatmul : matmul;
    const y = this.variable(product(x.value, w.value, { form: 'nt', batch: 1, M: T, N, K: D }));
    this.#backward.push(() => {
      const dy = y.gradient;
      add(x, product(dy, w.value, { form: 'nn', batch: 1, M: T, N: D, K: N }));
      add(w, product(dy, x.value, { form: 'tn', batch: 1, M: N, N: D, K: T }));
    });
    return y;
  }

  /** y [R, F] of sorted rows x [R, D] and experts w [E, F, D] with `counts` rows each. */
  experts(
    x: Variable,
    w: Variable,
    { counts, F, D }: { counts: readonly number[]; F: number; D: number },
  ): Variable {
    if (!this.isRounded) return this.#exactExperts(x, w, { counts, F, D });
    const run = (dy: Float64Array) => roundedExperts({ x: x.value, w: w.value, dy, counts, F, D });
    const y = this.variable(run(new Float64Array((x.value.length / D) * F)).y);
    this.#backward.push(() => {
      const { dx, dw } = run(y.gradient);
      add(x, dx);
      add(w, dw);
    });
    return y;
  }

  /** Sets the gradient of the result and goes back. */
  backward(result: Variable, dresult: Float64Array): void {
    add(result, dresult);
    for (const step of this.#backward.reverse()) step();
  }

  #exactExperts(
    x: Variable,
    w: Variable,
    { counts, F, D }: { counts: readonly number[]; F: number; D: number },
  ): Variable {
    const y = this.variable(new Float64Array((x.value.length / D) * F));
    let first = 0;
    counts.forEach((count, e) => {
      const part = (all: Variable, start: number, length: number): Variable => ({
        value: all.value.subarray(start, start + length),
        gradient: all.gradient.subarray(start, start + length),
      });
      const rows = part(x, first * D, count * D);
      const out = part(y, first * F, count * F);
      const own = part(w, e * F * D, F * D);
      const sizes = { batch: 1, M: count, N: F, K: D };
      out.value.set(matmul(rows.value, own.value, { form: 'nt', ...sizes }));
      this.#backward.push(() => {
        const dy = out.gradient;
        add(rows, matmul(dy, own.value, { form: 'nn', batch: 1, M: count, N: D, K: F }));
        add(own, matmul(dy, rows.value, { form: 'tn', batch: 1, M: F, N: D, K: count }));
      });
      first += count;
    });
    return y;
  }
}

function add({ gradient: sum }: Variable, part: Float64Array): void {
  part.forEach((value, i) => {
    sum[i]! += value;
  });
}
