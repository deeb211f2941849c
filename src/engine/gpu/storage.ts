/**
 * @file Tensors stored in 16 bits. Kernels are written for float32; where a tensor of a narrower type is bound, the
 * text of the kernel is changed so that it widens what it loads and rounds what it stores. All arithmetic stays
 * float32, and no feature of the adapter is needed.
 */
import convertWgsl from '@/shaders/convert.wgsl?raw';
import { defineKernel, type Kernel } from './kernel';
import type { ElementType } from './tensor';

export type NarrowType = Extract<ElementType, 'bf16' | 'f16'>;

export const isNarrow = (type: ElementType): type is NarrowType =>
  type === 'bf16' || type === 'f16';

/** y = x, whatever the two are stored as. */
export const converter = defineKernel({
  name: 'convert',
  wgsl: convertWgsl,
  entryPoint: 'main',
  buffers: { x_N: 'read', y_N: 'read_write' },
  params: { N4: 'u32' },
});

/**
 * Two elements from a word and back. bf16 is the upper half of float32, here rounded to nearest, ties to even, with
 * NaN kept NaN. pack2x16float leaves open what becomes of numbers beyond the largest f16: here infinity.
 */
const CONVERSIONS: Readonly<Record<NarrowType, string>> = {
  bf16: `
fn widen_bf16(word: u32) -> vec2f { return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u)); }
fn narrow_bf16(v: vec2f) -> u32 {
  let bits = bitcast<vec2u>(v);
  let isNan = (bits & vec2u(0x7fffffffu)) > vec2u(0x7f800000u);
  let rounded = bits + vec2u(0x7fffu) + ((bits >> vec2u(16u)) & vec2u(1u));
  let upper = select(rounded, bits | vec2u(0x400000u), isNan);
  return (upper.x >> 16u) | (upper.y & 0xffff0000u);
}`,
  f16: `
fn widen_f16(word: u32) -> vec2f { return unpack2x16float(word); }
fn narrow_f16(v: vec2f) -> u32 {
  let bits = bitcast<vec2u>(v);
  let size = bits & vec2u(0x7fffffffu);
  let packed = pack2x16float(clamp(v, vec2f(-65504.0), vec2f(65504.0)));
  let sign = (bits >> vec2u(16u)) & vec2u(0x8000u);
  let finite = select(vec2u(packed & 0xffffu, packed >> 16u), sign | vec2u(0x7c00u), size >= vec2u(0x477ff000u));
  let half = select(finite, vec2u(0x7e00u), size > vec2u(0x7f800000u));
  return half.x | (half.y << 16u);
}`,
};

/** Element types of a storage buffer whose loads can be widened, and what they become. */
const WORDS: Readonly<Record<string, string>> = { f32: 'u32', vec2f: 'u32', vec4f: 'vec2u' };

const declarationOf = (name: string) =>
  new RegExp(`(var<storage, \\w+> ${name}: array<)(\\w+)(>;)`);

/** A text without its comments. */
export const bare = (wgsl: string): string => wgsl.replace(/\/\/.*$/gm, '');

/**
 * Whether the kernel's text can take this buffer in 16 bits. Single elements cannot be stored so: two share a word,
 * and belong to two threads.
 */
export function takesNarrow({ wgsl }: Kernel, name: string): boolean {
  const text = bare(wgsl);
  const element = declarationOf(name).exec(text)?.[2] ?? '';
  if (!(element in WORDS) || new RegExp(`&\\s*${name}\\b`).test(text)) return false;
  const { stores, parts } = usesOf(text, name);
  return parts === 0 && (element !== 'f32' || stores === 0);
}

const variants = new WeakMap<Kernel, Map<string, Kernel>>();

/** The kernel over buffers stored in these types, of which `takesNarrow` holds. */
export function narrowed(kernel: Kernel, types: Readonly<Record<string, NarrowType>>): Kernel {
  const edition = Object.entries(types)
    .map(([name, type]) => `${name}:${type}`)
    .join(' ');
  if (edition === '') return kernel;
  const known = variants.get(kernel) ?? new Map<string, Kernel>();
  variants.set(kernel, known);
  const variant = known.get(edition) ?? { ...kernel, wgsl: narrowText(kernel, types), edition };
  known.set(edition, variant);
  return variant;
}

function narrowText({ wgsl }: Kernel, types: Readonly<Record<string, NarrowType>>): string {
  let text = rewritten(bare(wgsl), new Set(Object.keys(types)));
  for (const [name, type] of Object.entries(types)) {
    const element = declarationOf(name).exec(text)![2]!;
    text = text.replace(declarationOf(name), `$1${WORDS[element]}$3`);
    text += accessors(name, type, element, new RegExp(`\\bstore_${name}\\(`).test(text));
  }
  return text + [...new Set(Object.values(types))].map((type) => CONVERSIONS[type]).join('');
}

/** Functions through which a kernel reaches one buffer. */
function accessors(name: string, type: NarrowType, element: string, isStored: boolean): string {
  if (element === 'f32') {
    return `\nfn load_${name}(i: u32) -> f32 {
  let pair = widen_${type}(${name}[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}`;
  }
  const isPair = element === 'vec2f';
  const widened = isPair
    ? `widen_${type}(words)`
    : `vec4f(widen_${type}(words.x), widen_${type}(words.y))`;
  const load = `\nfn load_${name}(i: u32) -> ${element} {
  let words = ${name}[i];
  return ${widened};
}`;
  if (!isStored) return load;
  const narrow = isPair ? `narrow_${type}(v)` : `vec2u(narrow_${type}(v.xy), narrow_${type}(v.zw))`;
  return `${load}\nfn store_${name}(i: u32, v: ${element}) { ${name}[i] = ${narrow}; }`;
}

/** One place where a buffer is indexed: the text of the index, and what follows it. */
interface Use {
  readonly name: string;
  readonly start: number;
  readonly index: string;
  /** Behind the closing bracket. */
  readonly end: number;
}

function* uses(text: string, names: ReadonlySet<string>): Generator<Use> {
  const opening = /(?<![\w.])(\w+)\[/g;
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    if (!names.has(match[1]!)) continue;
    let depth = 1;
    let end = opening.lastIndex;
    for (; depth > 0; end++) depth += text[end] === '[' ? 1 : text[end] === ']' ? -1 : 0;
    yield {
      name: match[1]!,
      start: match.index,
      index: text.slice(opening.lastIndex, end - 1),
      end,
    };
    opening.lastIndex = end;
  }
}

const STORE = /^\s*([-+*/]?)=(?!=)/;
const PART_STORE = /^\s*(?:\.\w+|\[[^\]]*\])\s*[-+*/]?=(?!=)/;

/** How often a buffer is stored to, whole elements and single components apart. */
function usesOf(text: string, name: string): { stores: number; parts: number } {
  let stores = 0;
  let parts = 0;
  for (const { end } of uses(text, new Set([name]))) {
    const rest = text.slice(end, end + 80);
    if (STORE.test(rest)) stores++;
    if (PART_STORE.test(rest)) parts++;
  }
  return { stores, parts };
}

/** Loads and stores of the named buffers as calls of their accessors. */
function rewritten(text: string, names: ReadonlySet<string>): string {
  let out = '';
  let from = 0;
  for (const { name, start, index, end } of uses(text, names)) {
    if (start < from) continue; // inside a value that was rewritten already
    out += text.slice(from, start);
    const at = `u32(${rewritten(index, names)})`;
    const store = STORE.exec(text.slice(end));
    if (store) {
      const last = text.indexOf(';', end);
      const value = rewritten(text.slice(end + store[0].length, last), names).trim();
      const whole = store[1] ? `load_${name}(${at}) ${store[1]} (${value})` : value;
      out += `store_${name}(${at}, ${whole})`;
      from = last;
    } else {
      out += `load_${name}(${at})`;
      from = end;
    }
  }
  return out + text.slice(from);
}
