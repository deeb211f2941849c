/**
 * @file Several dispatches as one: the first workgroups do the first one's work, those behind them the next one's. For work
 * that does not depend on each other, like the two gradients of a linear layer: an adapter fills itself with both, and
 * has one dispatch less to be told and to wait for. Kernels keep their files; `joinedKernel.ts` makes one text of them.
 */
import { type Dispatch, folded } from './dispatch';
import { type Joint, joinedKernel } from './joinedKernel';
import { bufferType, sharedBytes, workgroupSize } from './kernelText';
import type { Tensor } from './tensor';

/** Storage buffers that every adapter has for one stage. */
const MOST_BUFFERS = 8;

/** Workgroup memory that every adapter has. */
const MOST_SHARED_BYTES = 16 * 2 ** 10;

/** Joins neighbours as far as that can be; the order stays. */
export function together(dispatches: readonly Dispatch[]): Dispatch[] {
  const groups: Dispatch[][] = [];
  for (const dispatch of dispatches.flatMap((one) => one.parts ?? [one])) {
    const last = groups.at(-1);
    if (last && canJoin([...last, dispatch])) last.push(dispatch);
    else groups.push([dispatch]);
  }
  return groups.map((group) => (group.length > 1 ? joined(group) : group[0]!));
}

function canJoin(parts: readonly Dispatch[]): boolean {
  const newest = parts.at(-1)!;
  const sizes = parts.map(({ kernel, overrides }) => workgroupSize(kernel, overrides));
  const blocks = parts.map(({ live }) => live).filter((live) => live !== undefined);
  return (
    parts.every(({ section }) => section === newest.section) &&
    new Set(blocks).size <= 1 &&
    new Set(sizes.map(([x, y]) => x * y)).size === 1 &&
    parts.slice(0, -1).every((part) => isIndependent(part, newest)) &&
    bindingsOf(parts).tensors.length <= MOST_BUFFERS &&
    sharedBytes(parts) <= MOST_SHARED_BYTES
  );
}

const isRead = ({ kernel }: Dispatch, name: string): boolean => kernel.buffers[name] === 'read';

/** Whether neither writes what the other reads or writes. */
function isIndependent(a: Dispatch, b: Dispatch): boolean {
  const touches = (one: Dispatch, other: Dispatch) => {
    const used = new Set(Object.values(other.tensors).map(({ owner }) => owner));
    return Object.entries(one.tensors).some(
      ([name, { owner }]) => !isRead(one, name) && used.has(owner),
    );
  };
  return !touches(a, b) && !touches(b, a);
}

/** One binding for each tensor, and which of them each part's buffers are: what several parts read is bound once. */
function bindingsOf(parts: readonly Dispatch[]) {
  const tensors: Tensor[] = [];
  const known = new Map<string, number>();
  const owners = [...new Set(parts.flatMap(({ tensors }) => Object.values(tensors).map(ownerOf)))];
  const places = parts.map((part) =>
    Object.entries(part.tensors).map(([name, tensor]) => {
      const { type, length } = tensor;
      const owner = owners.indexOf(ownerOf(tensor));
      const range = [owner, startOf(tensor), length, type, bufferType(part.kernel, name)];
      const key = isRead(part, name) ? String(range) : '';
      const at = known.get(key) ?? tensors.push(tensor) - 1;
      if (key !== '') known.set(key, at);
      return [name, at] as const;
    }),
  );
  return { tensors, places: places.map((entries) => new Map(entries)) };
}

const ownerOf = ({ owner }: Tensor): Tensor => owner;

const startOf = ({ base, start }: Tensor): number => start + (base ? startOf(base) : 0);

function joined(parts: readonly Dispatch[]): Dispatch {
  const { tensors, places } = bindingsOf(parts);
  const joints = parts.map(
    ({ kernel, overrides }, i): Joint => ({ kernel, overrides, buffers: places[i]! }),
  );
  const { kernel, nameOf, overridesOf, paramsOf } = joinedKernel(joints);
  const groups = parts.map(({ grid: [x, y, z] }) => x * y * z);
  const live = parts.find((part) => part.live)?.live;
  return {
    kernel,
    tensors: Object.fromEntries(tensors.map((tensor, at) => [nameOf(at), tensor])),
    params: paramsOf(parts),
    overrides: overridesOf(parts),
    live,
    grid: folded(groups.reduce((sum, count) => sum + count, 0)),
    cost: parts.reduce((sum, { cost }) => sum + cost, 0),
    section: parts[0]!.section,
    parts,
  };
}
