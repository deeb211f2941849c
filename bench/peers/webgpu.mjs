/** @file WebGPU in Node as the libraries expect it of a browser: globals and a navigator. Import it before them. */
import { create, globals } from 'webgpu';

const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
/** Iterator helpers that jax-js uses and Node 20 does not have. */
const helpers = {
  /** @this {Iterable<unknown>} @param {(x: unknown) => unknown} f */
  *map(f) {
    for (const x of this) yield f(x);
  },
  /** @this {Iterable<unknown>} @param {(x: unknown) => boolean} f */
  *filter(f) {
    for (const x of this) if (f(x)) yield x;
  },
  /** @this {Iterable<unknown>} */
  toArray() {
    return [...this];
  },
};
for (const [name, helper] of Object.entries(helpers)) iterators[name] ??= helper;

Object.assign(globalThis, globals, { self: globalThis, window: globalThis });
// Dawn aborts the process when this object is collected.
export const gpu = create([]);
Object.defineProperty(globalThis, 'navigator', {
  value: { gpu, userAgent: 'node' },
  configurable: true,
});
