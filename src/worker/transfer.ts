/** @file What moves across a line instead of being copied. */
import type { CheckpointFiles } from '@/engine/train/commands';

/** Buffers that hold nothing but one view each; a view of part of a buffer stays where it is. */
export function movable(views: Iterable<unknown>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const view of views) {
    if (!ArrayBuffer.isView(view) || !(view.buffer instanceof ArrayBuffer)) continue;
    if (view.byteLength === view.buffer.byteLength) buffers.add(view.buffer);
  }
  return [...buffers];
}

export const isFiles = (value: unknown): value is CheckpointFiles =>
  value instanceof Map && [...value.values()].every((part) => part instanceof Uint8Array);
