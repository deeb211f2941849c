/**
 * @file Places the activations of a tape in a few heaps: two tensors share bytes where their lifetimes do
 * not meet. Needs no device, so it also tells the exact bytes of a run before it starts.
 *
 * WebGPU counts usage by whole buffer: within one dispatch no buffer may be both written and read under
 * different bindings. So what a dispatch writes and what it only reads must lie in different heaps: a
 * colouring, done greedily, largest tensor first.
 */
import { expectBindable, type MemoryLimits } from './arena';
import type { Tape } from './tape';
import { aligned, Heap, type Tensor } from './tensor';

interface Lifetime {
  readonly tensor: Tensor;
  readonly bytes: number;
  readonly index: number;
  first: number;
  last: number;
  /** Tensors of a dispatch that writes one of the pair and only reads the other. */
  readonly conflicts: Set<Tensor>;
}

/** Heaps that several programs use in turn: what one leaves there means nothing to the next. */
export class ActivationPool {
  readonly heaps: Heap[] = [];

  constructor(readonly limits: MemoryLimits) {}

  get bytes(): number {
    return this.heaps.reduce((sum, heap) => sum + heap.bytes, 0);
  }

  materialise(device: GPUDevice): void {
    for (const heap of this.heaps) heap.materialise(device);
  }

  destroy(): void {
    for (const heap of this.heaps) heap.destroy();
  }
}

/** Gives every tensor of the tape that has no place yet a place in the pool. @throws {LimitError} */
export function planActivations(tape: Tape, pool: ActivationPool): void {
  const lifetimes = collect(tape, pool.limits);
  const bySize = [...lifetimes.values()].sort((a, b) => b.bytes - a.bytes || a.index - b.index);
  const placed: Lifetime[][] = pool.heaps.map(() => []);
  const heapOf = new Map<Tensor, number>();
  for (const life of bySize) {
    const { heap, offset } = bestPlace(life, placed, heapOf, pool);
    if (heap === pool.heaps.length) {
      pool.heaps.push(new Heap(`activations.${heap}`));
      placed.push([]);
    }
    const target = pool.heaps[heap]!;
    target.bytes = Math.max(target.bytes, offset + life.bytes);
    life.tensor.place = { heap: target, offset };
    placed[heap]!.push(life);
    heapOf.set(life.tensor, heap);
  }
}

function collect({ dispatches, kept }: Tape, limits: MemoryLimits): Map<Tensor, Lifetime> {
  const lifetimes = new Map<Tensor, Lifetime>();
  dispatches.forEach(({ kernel, tensors }, time) => {
    const written: Tensor[] = [];
    const readOnly: Tensor[] = [];
    for (const [name, tensor] of Object.entries(tensors)) {
      const { owner } = tensor;
      (kernel.buffers[name] === 'read' ? readOnly : written).push(owner);
      if (owner.place) continue;
      const life = lifetimes.get(owner);
      if (life) life.last = Math.max(life.last, time);
      else {
        expectBindable(owner, limits);
        const bytes = aligned(owner.bytes);
        lifetimes.set(owner, {
          tensor: owner,
          bytes,
          index: lifetimes.size,
          first: time,
          last: kept.has(owner) ? Number.POSITIVE_INFINITY : time,
          conflicts: new Set(),
        });
      }
    }
    for (const a of written) {
      for (const b of readOnly) {
        if (a === b)
          throw new Error(`${kernel.name}: ${a.label} is both read and written under two names`);
        lifetimes.get(a)?.conflicts.add(b);
        lifetimes.get(b)?.conflicts.add(a);
      }
    }
  });
  return lifetimes;
}

/** The heap and offset that make the pool grow least; a new heap, past the end, only where no other may hold it. */
function bestPlace(
  life: Lifetime,
  placed: readonly Lifetime[][],
  heapOf: ReadonlyMap<Tensor, number>,
  pool: ActivationPool,
) {
  const forbidden = new Set([...life.conflicts].map((other) => heapOf.get(other)));
  let best = { heap: placed.length, offset: 0, growth: Number.POSITIVE_INFINITY };
  placed.forEach((others, heap) => {
    if (forbidden.has(heap)) return;
    const offset = lowestGap(life, others);
    const end = offset + life.bytes;
    if (end > pool.limits.maxBufferBytes) return;
    const growth = Math.max(0, end - pool.heaps[heap]!.bytes);
    if (growth < best.growth) best = { heap, offset, growth };
  });
  return best;
}

function lowestGap(life: Lifetime, others: readonly Lifetime[]): number {
  const meeting = others
    .filter((other) => other.first <= life.last && life.first <= other.last)
    .map((other) => ({ start: other.tensor.offset, end: other.tensor.offset + other.bytes }))
    .sort((a, b) => a.start - b.start);
  let offset = 0;
  for (const { start, end } of meeting) {
    if (start - offset >= life.bytes) return offset;
    offset = Math.max(offset, end);
  }
  return offset;
}
