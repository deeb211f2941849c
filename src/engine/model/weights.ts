/**
 * @file Where the weights live: four arenas laid out alike (weights, gradients, first and second moments) and, where
 * products read them in 16 bits, copies of the matrices,
 * ordered so that one optimizer dispatch takes a whole range: AdamW's groups, then Muon's matrices by shape,
 * all layers side by side. Routed experts are groups of their own: they may have another rate.
 */
import { isEverSplit } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';
import { Arena, clearing, type MemoryLimits } from '@/engine/gpu/arena';
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

/** A stretch of the masters and its copy in 16 bits: flat views of equal length. */
export interface CopyRange {
  readonly master: Tensor;
  readonly copy: Tensor;
}

type Home =
  | { readonly optimizer: 'adamw'; readonly group: AdamwGroup }
  | { readonly optimizer: 'muon'; readonly group: MuonGroup };

interface Entry {
  readonly spec: ParameterSpec;
  readonly home: Home;
  /** In float32: what the optimizer moves and a checkpoint holds. */
  readonly weight: Tensor;
  /** What products read instead; undefined where they read the weight itself. */
  readonly copy: Tensor | undefined;
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
  readonly copies: Arena;
  readonly adamw: readonly AdamwRange[];
  readonly muon: readonly MuonRange[];
  readonly copied: readonly CopyRange[];
  readonly #storage: Settings['run']['storage'];
  /** Whether micro-batches add up in the gradients. */
  readonly #isSplit: boolean;
  /** Sets the gradients to zero that a step adds to; those of products it writes anew where it has one micro-batch. */
  readonly clearGradients: (encoder: GPUCommandEncoder) => void;

  constructor({ model, optimizer, run, schedule }: Settings, limits: MemoryLimits) {
    this.#storage = run.storage;
    this.#isSplit = isEverSplit(schedule);
    this.weights = new Arena('weights', limits);
    this.gradients = new Arena('gradients', limits);
    this.moments1 = new Arena('moments1', limits);
    this.moments2 = new Arena('moments2', limits);
    this.copies = new Arena('weights in 16 bits', limits);
    const entries = parameterSpecs(model)
      .map((spec) => ({ spec, home: homeOf(spec, optimizer) }))
      .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : Number(sortKey(a) > sortKey(b))))
      .map(({ spec, home }) => this.#place(spec, home));
    const found = runs(entries, limits);
    this.adamw = found.flatMap(adamwRange);
    this.muon = found.flatMap(muonRange);
    this.copied = copyRanges(entries, limits);
    const added = [...this.entries()].filter((entry) => !this.#isWrittenAnew(entry));
    this.clearGradients = clearing(added.map(({ gradient }) => gradient));
  }

  /** The weight with that name, as the model reads it. @throws {Error} when the model has none. */
  at(name: string): Tensor {
    const { copy, weight } = this.entry(name);
    return copy ?? weight;
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
    return [this.weights, this.gradients, this.moments1, this.moments2, this.copies];
  }

  /** Lets a tape write the gradients of all weights where they outlive the step. */
  bindGradients(tape: Tape): void {
    for (const entry of this.entries()) {
      const { weight, copy, gradient } = entry;
      tape.bindGradient(copy ?? weight, gradient, this.#isWrittenAnew(entry));
    }
  }

  /** A product writes every element of its weight's gradient; rows of a table and gains come from many places. */
  #isWrittenAnew({ spec }: Entry): boolean {
    return !this.#isSplit && spec.role !== 'embedding' && spec.role !== 'gain';
  }

  #place(spec: ParameterSpec, home: Home): Entry {
    const { name, shape, role } = spec;
    const isCopied = this.#storage !== 'f32' && (role === 'matrix' || role === 'expert');
    const entry: Entry = {
      spec,
      home,
      copy: isCopied ? this.copies.tensor(shape, `${name} copy`, this.#storage) : undefined,
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

/** Neighbours whose copies are neighbours too go together: one dispatch each. */
function copyRanges(
  entries: readonly Entry[],
  { maxBindingBytes }: MemoryLimits,
): readonly CopyRange[] {
  const found: { master: Tensor; copy: Tensor; length: number }[] = [];
  const isBehind = (first: Tensor, length: number, next: Tensor) => {
    const end = first.offset + (first.bytes / first.length) * length;
    return first.place!.heap === next.place!.heap && end === next.offset;
  };
  for (const { weight: master, copy } of entries) {
    if (!copy) continue;
    const run = found.at(-1);
    const joins =
      run &&
      isBehind(run.master, run.length, master) &&
      isBehind(run.copy, run.length, copy) &&
      4 * (run.length + master.length) <= maxBindingBytes;
    if (joins) run.length += master.length;
    else found.push({ master, copy, length: master.length });
  }
  return found.map(({ master, copy, length }) => ({
    master: flatFrom(master, length),
    copy: flatFrom(copy, length),
  }));
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

const flat = ({ entries, length }: Run, pick: (entry: Entry) => Tensor): Tensor =>
  flatFrom(pick(entries[0]!), length);

/** `length` elements from the first one of `first` on. */
function flatFrom(first: Tensor, length: number): Tensor {
  const tensor = new Tensor([length], first.label, first.type);
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
