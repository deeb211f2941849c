/**
 * @file Where the weights live: four arenas laid out alike (weights, gradients, first and second moments),
 * ordered so that one optimizer dispatch takes a whole range: what AdamW moves, then the gains, then Muon's
 * matrices by shape, all layers and experts of one shape side by side.
 */
import type { Settings } from '@/engine/config/settings';
import { Arena, type MemoryLimits } from '@/engine/gpu/arena';
import type { Tape } from '@/engine/gpu/tape';
import { aligned, type Heap, Tensor } from '@/engine/gpu/tensor';
import { elementCount, type ParameterSpec, parameterSpecs } from './parameters';

/** The same stretch of the arenas: flat views of equal length. */
export interface AdamwRange {
  readonly kind: 'matrix' | 'gain';
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
}

/** Matrices of one shape, one behind the other. */
export interface MuonRange {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly momentum: Tensor;
}

interface Entry {
  readonly spec: ParameterSpec;
  readonly weight: Tensor;
  readonly gradient: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor | undefined;
}

export class Weights {
  readonly #entries = new Map<string, Entry>();
  readonly weights: Arena;
  readonly gradients: Arena;
  readonly moments1: Arena;
  readonly moments2: Arena;
  readonly adamw: readonly AdamwRange[];
  readonly muon: readonly MuonRange[];

  constructor({ model, optimizer }: Settings, limits: MemoryLimits) {
    this.weights = new Arena('weights', limits);
    this.gradients = new Arena('gradients', limits);
    this.moments1 = new Arena('moments1', limits);
    this.moments2 = new Arena('moments2', limits);
    const groupOf = (spec: ParameterSpec) => optimizerGroup(spec, optimizer.routerOptimizer);
    const ordered = [...parameterSpecs(model)].sort((a, b) => groupOf(a).localeCompare(groupOf(b)));
    const entries = ordered.map((spec) => this.#place(spec, groupOf(spec)));
    this.adamw = runs(entries, limits, (entry) => !groupOf(entry.spec).startsWith('muon')).map(
      (run) => ({
        kind: run.entries[0]!.spec.role === 'gain' ? 'gain' : 'matrix',
        weights: flat(run, (entry) => entry.weight),
        gradients: flat(run, (entry) => entry.gradient),
        moment1: flat(run, (entry) => entry.moment1),
        moment2: flat(run, (entry) => entry.moment2!),
      }),
    );
    this.muon = runs(entries, limits, (entry) => groupOf(entry.spec).startsWith('muon')).map(
      (run) => {
        const [columns, rows] = [...run.entries[0]!.spec.shape].reverse() as [number, number];
        return {
          rows,
          columns,
          count: run.length / (rows * columns),
          weights: flat(run, (entry) => entry.weight),
          gradients: flat(run, (entry) => entry.gradient),
          momentum: flat(run, (entry) => entry.moment1),
        };
      },
    );
  }

  /** The weight with that name. @throws {Error} when the model has none. */
  at(name: string): Tensor {
    return this.entry(name).weight;
  }

  entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`there is no weight named ${name}`);
    return entry;
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Gradients of all weights as flat tensors, padding included (it stays 0). */
  get flatGradients(): Tensor[] {
    return this.gradients.heaps.flatMap((heap) => pieces(heap, this.gradients.limits));
  }

  get arenas(): readonly Arena[] {
    return [this.weights, this.gradients, this.moments1, this.moments2];
  }

  /** Lets a tape write the gradients of all weights where they outlive the step. */
  bindGradients(tape: Tape): void {
    for (const { weight, gradient } of this.entries()) tape.bindGradient(weight, gradient);
  }

  #place(spec: ParameterSpec, group: string): Entry {
    const { name, shape } = spec;
    const entry: Entry = {
      spec,
      weight: this.weights.tensor(shape, name),
      gradient: this.gradients.tensor(shape, `d${name}`),
      moment1: this.moments1.tensor(shape, `moment1(${name})`),
      moment2: group.startsWith('muon')
        ? undefined
        : this.moments2.tensor(shape, `moment2(${name})`),
    };
    this.#entries.set(name, entry);
    return entry;
  }
}

/** Sorts as adamw, gain, then muon by shape. */
function optimizerGroup({ role, shape }: ParameterSpec, router: 'muon' | 'adamw'): string {
  if (role === 'gain') return 'adamw gain';
  if (role === 'embedding' || role === 'head' || (role === 'router' && router === 'adamw'))
    return 'adamw';
  return `muon ${shape
    .slice(-2)
    .map((n) => String(n).padStart(8, '0'))
    .join(' ')}`;
}

interface Run {
  readonly entries: Entry[];
  /** Elements from the first weight to the end of the last one. */
  length: number;
}

/** Neighbours that one dispatch may take: same group, same buffer, no gap that a matrix would fall into. */
function runs(
  all: readonly Entry[],
  limits: MemoryLimits,
  isWanted: (entry: Entry) => boolean,
): Run[] {
  const found: Run[] = [];
  for (const entry of all.filter(isWanted)) {
    const run = found.at(-1);
    const last = run?.entries.at(-1);
    if (
      run &&
      last &&
      isNeighbour(last, entry) &&
      4 * (run.length + entry.weight.length) <= limits.maxBindingBytes
    ) {
      run.entries.push(entry);
      run.length =
        (entry.weight.offset - run.entries[0]!.weight.offset) / 4 + elementCount(entry.spec);
    } else found.push({ entries: [entry], length: elementCount(entry.spec) });
  }
  return found;
}

function isNeighbour(last: Entry, next: Entry): boolean {
  const sameBuffer = (a: Tensor | undefined, b: Tensor | undefined) =>
    a === b || (a?.place?.heap === b?.place?.heap && a!.offset + aligned(a!.bytes) === b!.offset);
  const arenas = [
    sameBuffer(last.weight, next.weight),
    sameBuffer(last.gradient, next.gradient),
    sameBuffer(last.moment1, next.moment1),
    sameBuffer(last.moment2, next.moment2),
  ];
  if (!arenas.every(Boolean)) return false;
  if (last.moment2)
    return (
      (last.spec.role === 'gain') === (next.spec.role === 'gain') && next.moment2 !== undefined
    );
  const sameShape = last.spec.shape.slice(-2).join() === next.spec.shape.slice(-2).join();
  return sameShape && aligned(last.weight.bytes) === last.weight.bytes;
}

function flat({ entries, length }: Run, pick: (entry: Entry) => Tensor): Tensor {
  const first = pick(entries[0]!);
  const tensor = new Tensor([length], first.label);
  tensor.place = first.place;
  return tensor;
}

/** A whole heap as flat tensors no longer than one binding. */
function pieces(heap: Heap, { maxBindingBytes }: MemoryLimits): Tensor[] {
  const step = Math.floor(maxBindingBytes / 256) * 256;
  const found: Tensor[] = [];
  for (let offset = 0; offset < heap.bytes; offset += step) {
    const tensor = new Tensor([Math.min(step, heap.bytes - offset) / 4], `${heap.label}+${offset}`);
    tensor.place = { heap, offset };
    found.push(tensor);
  }
  return found;
}
