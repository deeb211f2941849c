/**
 * @file Records a step: dispatches of the forward pass, then of what each op left for the way back, then
 * of the optimizer. A tape holds names and sizes only; `Program` turns it into buffers and pipelines.
 */
import { type Dispatch, folded, type Grid, MAX_GROUPS } from './dispatch';
import type { Kernel } from './kernel';
import type { LiveBlock } from './live';
import { converter, isNarrow, type NarrowType, narrowed, takesNarrow } from './storage';
import { type ElementType, Tensor } from './tensor';
import { together } from './together';
import { fixedTuning, JOINED, joiningQuestion, type Tuning } from './tuning';

export interface DispatchOptions<L extends string> {
  readonly live?: LiveBlock<L>;
  readonly overrides?: Readonly<Record<string, number>>;
  readonly cost?: number;
}

/** Where a backward kernel writes, and whether it must add to what is there. */
export interface GradientTarget {
  readonly tensor: Tensor;
  /** 1: add; 0: nothing was written yet, overwrite. */
  readonly add: 0 | 1;
}

/** A matrix [P, N] in whose columns ops leave P partial sums of gradients. */
export interface PartialSums {
  readonly sums_PN: Tensor;
  /** First column of each gradient. */
  readonly columns: readonly number[];
}

export class Tape {
  readonly dispatches: Dispatch[] = [];
  /** Tensors that somebody reads after the last dispatch: their bytes are not reused before. */
  readonly kept = new Set<Tensor>();
  #backward: (() => void)[] = [];
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #written = new Set<Tensor>();
  /** Gradients that are cleared once a step: micro-batches, or rows of a table, add up in them. */
  readonly #persistent = new Set<Tensor>();
  readonly #sums = new Map<Tensor, { readonly sums_PN: Tensor; readonly column: number }>();
  #section: string | undefined;

  /** @param tuning which of its kernels an op takes here. */
  constructor(readonly tuning: Tuning = fixedTuning) {}

  /** A new tensor that lives as long as the dispatches that use it. */
  tensor(shape: readonly number[], label: string, type: ElementType = 'f32'): Tensor {
    return new Tensor(shape, label, type);
  }

  /** Keeps the bytes of `tensor` until the program has run, for a read-back. */
  keep(tensor: Tensor): Tensor {
    this.kept.add(tensor.owner);
    return tensor;
  }

  /**
   * Records one dispatch: `grid` is a count of workgroups to spread, or workgroups by axis. Tensors stored in 16 bits
   * may be read by any kernel; one that writes such a tensor must write all of it.
   */
  dispatch<B extends string, P extends string, L extends string>(
    kernel: Kernel<B, P, L>,
    tensors: Readonly<Record<NoInfer<B>, Tensor>>,
    params: Readonly<Record<NoInfer<P>, number>>,
    grid: number | Grid,
    options: DispatchOptions<NoInfer<L>> = {},
  ): void {
    const axes = typeof grid === 'number' ? folded(grid) : grid;
    if (axes.some((n) => n > MAX_GROUPS)) {
      throw new RangeError(
        `${kernel.name}: a grid of ${axes.join(' x ')} passes ${MAX_GROUPS} workgroups`,
      );
    }
    if (kernel.live && !options.live) throw new Error(`${kernel.name}: needs its live scalars`);
    if (axes.some((n) => n === 0)) return;
    const fitted = this.#fitted(kernel as unknown as Kernel, tensors);
    this.dispatches.push({
      ...fitted.ready,
      params,
      overrides: options.overrides ?? {},
      live: options.live as LiveBlock | undefined,
      grid: axes,
      cost: options.cost ?? axes[0] * axes[1] * axes[2] * kernel.threads,
      section: this.#section,
    });
    for (const [whole, stored] of fitted.stores) this.#convert(whole, stored);
  }

  /**
   * The kernel and tensors of a dispatch, narrow ones provided for. What the kernel's text cannot take in 16 bits goes
   * through a float32 copy: made before where it is read, stored behind where it is written.
   */
  #fitted(kernel: Kernel, tensors: Readonly<Record<string, Tensor>>) {
    const types: Record<string, NarrowType> = {};
    const stores: [whole: Tensor, stored: Tensor][] = [];
    const bound = Object.entries(tensors).map(([name, tensor]): [string, Tensor] => {
      if (!isNarrow(tensor.type)) return [name, tensor];
      if (takesNarrow(kernel, name)) {
        types[name] = tensor.type;
        return [name, tensor];
      }
      const whole = this.tensor(tensor.shape, `${tensor.label} in f32`);
      if (kernel.buffers[name] === 'read') this.#convert(tensor, whole);
      else stores.push([whole, tensor]);
      return [name, whole];
    });
    return {
      ready: { kernel: narrowed(kernel, types), tensors: Object.fromEntries(bound) },
      stores,
    };
  }

  /**
   * Everything that `record` dispatches runs at once where that can be and the adapter gains by it. For what does not depend on
   * each other; what does all the same, reading what the one before wrote, stays behind it.
   */
  together<R>(record: () => R): R {
    const first = this.dispatches.length;
    const recorded = record();
    if (this.tuning(joiningQuestion) === JOINED)
      this.dispatches.push(...together(this.dispatches.splice(first)));
    return recorded;
  }

  #convert(x_N: Tensor, y_N: Tensor): void {
    const N4 = Math.ceil(x_N.length / 4);
    this.dispatch(converter, { x_N, y_N }, { N4 }, Math.ceil(N4 / converter.threads));
  }

  /** Everything that `record` dispatches runs only where a caller asks for `name`. */
  section(name: string, record: () => void): void {
    const outer = this.#section;
    this.#section = name;
    record();
    this.#section = outer;
  }

  /** Left by an op for the way back; they run in the reverse order. */
  onBackward(record: () => void): void {
    this.#backward.push(record);
  }

  /** Records the backward pass of everything so far. */
  backward(): void {
    for (const record of this.#backward.reverse()) record();
    this.#backward.length = 0;
  }

  /**
   * Activation checkpointing: `record` plays now, leaving nothing for the way back, and once more right before its
   * way back, which reads the second set of tensors. So the first set lives no longer than the part itself. The
   * repetition must find what the first one found: `record` changes nothing that it reads.
   * @param handedOn of what a playing recorded, the tensors that others read, always in the same order.
   */
  recompute<R>(record: () => R, handedOn: (recorded: R) => readonly Tensor[]): R {
    const left = this.#backward.length;
    const recorded = record();
    this.#backward.length = left;
    const given = handedOn(recorded);
    this.onBackward(() => this.#repeat(() => handedOn(record()), given));
    return recorded;
  }

  /** Plays a part again and its way back, from the gradients of what its first playing handed on. */
  #repeat(record: () => readonly Tensor[], given: readonly Tensor[]): void {
    const outer = this.#backward;
    const start = this.dispatches.length;
    this.#backward = [];
    record().forEach((tensor, i) => {
      this.#gradients.set(tensor.owner, this.#gradient(given[i]!.owner));
    });
    const end = this.dispatches.length;
    this.backward();
    this.#backward = outer;
    this.#dropUnread(start, end);
  }

  /** Takes out what was recorded from `start` to `end` and made nothing that is read behind it: views, for one. */
  #dropUnread(start: number, end: number): void {
    const ownersOf = ({ tensors }: Dispatch) => Object.values(tensors).map(({ owner }) => owner);
    const used = new Set(this.dispatches.slice(end).flatMap(ownersOf));
    for (let at = end - 1; at >= start; at--) {
      const dispatch = this.dispatches[at]!;
      const isUsed = Object.entries(dispatch.tensors).some(
        ([name, { owner }]) => dispatch.kernel.buffers[name] !== 'read' && used.has(owner),
      );
      if (isUsed) for (const owner of ownersOf(dispatch)) used.add(owner);
      else this.dispatches.splice(at, 1);
    }
  }

  /**
   * Gives `parameter` a gradient that outlives the step. It is added to, as micro-batches do; or, where `isAnew`, the first
   * op that writes it writes all of it, over whatever is there.
   */
  bindGradient(parameter: Tensor, gradient: Tensor, isAnew = false): void {
    this.#gradients.set(parameter, gradient);
    if (!isAnew) this.#persistent.add(gradient);
  }

  /** Lets an op leave partial sums of the gradient of `parameter` there: whoever binds them adds them up at the end. */
  bindSums(parameter: Tensor, sums_PN: Tensor, column: number): void {
    this.#sums.set(parameter, { sums_PN, column });
  }

  /**
   * The columns bound to all of `parameters`, where they lie in one matrix; else the caller adds their sums up itself.
   * Only once, since an op overwrites what is there.
   */
  takeSums(parameters: readonly Tensor[]): PartialSums | undefined {
    const bound = parameters.map((parameter) => this.#sums.get(parameter));
    for (const parameter of parameters) this.#sums.delete(parameter);
    const sums_PN = bound[0]?.sums_PN;
    if (!sums_PN || bound.some((one) => one?.sums_PN !== sums_PN)) return undefined;
    return { sums_PN, columns: bound.map((one) => one!.column) };
  }

  /** What is bound and was never taken: nothing was written there. */
  get untakenSums(): readonly Tensor[] {
    return [...this.#sums.keys()];
  }

  /** Where the gradient of `tensor` is to be written next. A view writes into the gradient of its base. */
  gradientOf(tensor: Tensor): GradientTarget {
    const gradient = this.#gradient(tensor.owner);
    const add = this.#persistent.has(gradient) || this.#written.has(gradient) ? 1 : 0;
    this.#written.add(gradient);
    return { tensor: shaped(gradient, tensor), add };
  }

  /** The finished gradient of an output. @throws {Error} when nothing was written to it. */
  upstream(tensor: Tensor): Tensor {
    const gradient = this.#gradient(tensor.owner);
    if (!this.#written.has(gradient))
      throw new Error(`${tensor.label}: its gradient is read before it is written`);
    return shaped(gradient, tensor);
  }

  /**
   * For y = x + something: the gradient of y is the gradient of x so far, in the same bytes. What else
   * reaches x is added to it, so y's gradient must have been used before.
   */
  shareGradient(x: Tensor, y: Tensor): void {
    const gradient = this.upstream(y);
    if (this.#gradients.has(x.owner) && this.#written.has(this.#gradient(x.owner))) {
      throw new Error(`${x.label}: already has a gradient, cannot share that of ${y.label}`);
    }
    this.#gradients.set(x.owner, gradient);
    this.#written.add(gradient.owner);
    this.#written.add(gradient);
  }

  #gradient(owner: Tensor): Tensor {
    let gradient = this.#gradients.get(owner);
    if (!gradient) {
      gradient = this.tensor(owner.shape, `d${owner.label}`);
      this.#gradients.set(owner, gradient);
    }
    return gradient;
  }
}

const shaped = (gradient: Tensor, like: Tensor): Tensor =>
  gradient.shape.length === like.shape.length && gradient.shape.every((n, i) => n === like.shape[i])
    ? gradient
    : gradient.view(like.shape, `d${like.label}`);
