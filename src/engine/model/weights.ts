/**
 * @file Where the weights live: four arenas laid out alike (weights, gradients, first and second moments),
 * ordered so that one optimizer dispatch takes a whole range: AdamW's groups, then Muon's matrices by shape,
 * all layers side by side. Routed experts are groups of their own: they may have another rate.
 */
import type { Settings } from '@/engine/config/settings';
import { Arena, type MemoryLimits } from '@/engine/gpu/arena';
import type { Tape } from '@/engine/gpu/tape';
import { aligned, type Heap, Tensor } from '@/engine/gpu/tensor';
import { elementCount, type ParameterSpec, parameterSpecs } from './parameters';

/** What AdamW treats alike: same rate, same decay. `hidden` are matrices between embedding and head. */
export type AdamwGroup = 'embedding' | 'experts' | 'gains' | 'hidden';
export type MuonGroup = 'experts' | 'hidden';

/** The same stretch of the arenas: flat views of equal length. */
export interface AdamwRange {
  readonly group: AdamwGroup;
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
}

/** Matrices of one shape, one behind the other. */
export interface MuonRange {
  readonly group: MuonGroup;
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly momentum: Tensor;
}

type Home =
  | { readonly optimizer: 'adamw'; readonly group: AdamwGroup }
  | { readonly optimizer: 'muon'; readonly group: MuonGroup };

interface Entry {
  readonly spec: ParameterSpec;
  readonly home: Home;
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
    const entries = parameterSpecs(model)
      .map((spec) => ({ spec, home: homeOf(spec, optimizer) }))
      .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : Number(sortKey(a) > sortKey(b))))
      .map(({ spec, home }) => this.#place(spec, home));
    const found = runs(entries, limits);
    this.adamw = found.flatMap(adamwRange);
    this.muon = found.flatMap(muonRange);
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

  #place(spec: ParameterSpec, home: Home): Entry {
    const { name, shape } = spec;
    const entry: Entry = {
      spec,
      home,
      weight: this.weights.tensor(shape, name),
      gradient: this.gradients.tensor(shape, `d${name}`),
      moment1: this.moments1.tensor(shape, `moment1(${name})`),
      moment2:
        home.optimizer === 'muon' ? undefined : this.moments2.tensor(shape, `moment2(${name})`),
    };
    this.#entries.set(name, entry);
    return entry;
  }
}

/** Who moves a weight. With AdamW for the hidden matrices there is nothing left for Muon, the router included. */
function homeOf(
  { role }: ParameterSpec,
  { hidden, routerOptimizer }: Pick<Settings['optimizer'], 'hidden' | 'routerOptimizer'>,
): Home {
  if (role === 'gain') return { optimizer: 'adamw', group: 'gains' };
  if (role === 'embedding' || role === 'head') return { optimizer: 'adamw', group: 'embedding' };
  const optimizer = role === 'router' && hidden === 'muon' ? routerOptimizer : hidden;
  return { optimizer, group: role === 'expert' ? 'experts' : 'hidden' };
}

/** AdamW's groups, then Muon's, each with its matrices by shape. */
function sortKey({ spec, home }: Pick<Entry, 'spec' | 'home'>): string {
  const sides = spec.shape.slice(-2).map((side) => String(side).padStart(10, '0'));
  return [home.optimizer, home.group, ...(home.optimizer === 'muon' ? sides : [])].join(' ');
}

interface Run {
  readonly entries: Entry[];
  /** Elements from the first weight to the end of the last one. */
  length: number;
}

/** Neighbours that one dispatch may take: same group, same buffers, no gap that a matrix would fall into. */
function runs(entries: readonly Entry[], { maxBindingBytes }: MemoryLimits): Run[] {
  const found: Run[] = [];
  for (const entry of entries) {
    const run = found.at(-1);
    const last = run?.entries.at(-1);
    if (run && last && isNeighbour(last, entry)) {
      const start = (entry.weight.offset - run.entries[0]!.weight.offset) / 4;
      const length = start + elementCount(entry.spec);
      if (4 * length <= maxBindingBytes) {
        run.entries.push(entry);
        run.length = length;
        continue;
      }
    }
    found.push({ entries: [entry], length: elementCount(entry.spec) });
  }
  return found;
}

function isNeighbour(last: Entry, next: Entry): boolean {
  if (sortKey(last) !== sortKey(next)) return false;
  const follows = (a: Tensor | undefined, b: Tensor | undefined) =>
    a === b || (a?.place?.heap === b?.place?.heap && a!.offset + aligned(a!.bytes) === b!.offset);
  const hasNoGap =
    last.home.optimizer === 'adamw' || aligned(last.weight.bytes) === last.weight.bytes;
  return (
    hasNoGap &&
    follows(last.weight, next.weight) &&
    follows(last.gradient, next.gradient) &&
    follows(last.moment1, next.moment1) &&
    follows(last.moment2, next.moment2)
  );
}

function adamwRange(run: Run): AdamwRange[] {
  const { home } = run.entries[0]!;
  if (home.optimizer !== 'adamw') return [];
  return [
    {
      group: home.group,
      weights: flat(run, (entry) => entry.weight),
      gradients: flat(run, (entry) => entry.gradient),
      moment1: flat(run, (entry) => entry.moment1),
      moment2: flat(run, (entry) => entry.moment2!),
    },
  ];
}

function muonRange(run: Run): MuonRange[] {
  const { home, spec } = run.entries[0]!;
  if (home.optimizer !== 'muon') return [];
  const [rows, columns] = spec.shape.slice(-2) as [number, number];
  return [
    {
      group: home.group,
      rows,
      columns,
      count: run.length / (rows * columns),
      weights: flat(run, (entry) => entry.weight),
      gradients: flat(run, (entry) => entry.gradient),
      momentum: flat(run, (entry) => entry.moment1),
    },
  ];
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
