/** @file The text of a kernel taken apart: what it declares, how large its workgroups are, what memory they share. */
import type { Kernel } from './kernel';
import { bare } from './storage';

export type Numbers = Readonly<Record<string, number>>;

/** A kernel with the constants that it is compiled with. */
export interface KernelUse {
  readonly kernel: Kernel;
  readonly overrides: Numbers;
}

/** What a text is made of, as far as joining it takes. */
export interface KernelText {
  /** Without bindings, directives and attributes of entry points. */
  readonly body: string;
  readonly directives: readonly string[];
  /** What it declares outside of functions, its bindings too. */
  readonly names: readonly string[];
  /** Address space and type of each binding by its name. */
  readonly bindings: ReadonlyMap<string, { readonly space: string; readonly type: string }>;
  /** Of the entry point's parameters, in their order. */
  readonly builtins: readonly string[];
  /** As the attribute says it. */
  readonly size: readonly string[];
  /** Arrays in workgroup memory, their lengths as they are declared. */
  readonly shared: readonly Shared<string>[];
}

/** An array in workgroup memory. */
interface Shared<Length> {
  readonly name: string;
  readonly element: string;
  readonly length: Length;
}

const BINDING = /@group\(0\) @binding\(\d+\) var<(uniform|storage, \w+)> (\w+): (\S+);\n?/g;
const DECLARED = /^(?:fn|struct|override|const|alias|var<\w+>) (\w+)/gm;
const DIRECTIVE = /^(?:enable|requires|diagnostic)\b[^;]*;\n?/gm;
const ENTRY = /@compute @workgroup_size\(([^)]*)\)\s*fn (\w+)\(([\s\S]*?)\)\s*\{/g;
const SHARED = /^var<workgroup> (\w+): array<(\w+), ([^>]+)>;\n?/gm;
const STRUCT = /^struct \w+ \{([^}]*)\}/gm;
const FIELD = /(\w+):/g;
const BUILTIN = /@builtin\((\w+)\) /g;

const texts = new WeakMap<Kernel, KernelText>();

export function textOf(kernel: Kernel): KernelText {
  const known = texts.get(kernel);
  if (known) return known;
  const whole = bare(kernel.wgsl);
  const [, size, , given] = [...whole.matchAll(ENTRY)].find(
    ([, , name]) => name === kernel.entryPoint,
  )!;
  const bindings = [...whole.matchAll(BINDING)].map(
    ([, space, name, type]) => [name!, { space: space!, type: type! }] as const,
  );
  const shared = [...whole.matchAll(SHARED)].map(([, name = '', element = '', length = '']) => {
    return { name, element, length };
  });
  const body = whole
    .replace(SHARED, '')
    .replace(BINDING, '')
    .replace(DIRECTIVE, '')
    .replace(/@compute @workgroup_size\([^)]*\)\s*/g, '')
    .replace(BUILTIN, '');
  const text = {
    body,
    directives: [...whole.matchAll(DIRECTIVE)].map(([line]) => line.trim()),
    names: [
      ...bindings.map(([name]) => name),
      ...shared.map(({ name }) => name),
      ...[...body.matchAll(DECLARED)].map(([, name]) => name!),
    ],
    bindings: new Map(bindings),
    builtins: [...given!.matchAll(BUILTIN)].map(([, name]) => name!),
    size: size!.split(',').map((side) => side.trim()),
    shared,
  };
  const field = [...body.matchAll(STRUCT)]
    .flatMap(([, fields]) => [...fields!.matchAll(FIELD)].map(([, name]) => name!))
    .find((name) => text.names.includes(name));
  if (field) throw new Error(`${kernel.name}: ${field} names a field and something else`);
  texts.set(kernel, text);
  return text;
}

/** A number of the text: names, products and quotients. @throws {Error} where it is more than that. */
function numberOf(expression: string, kernel: Kernel, overrides: Numbers): number {
  const [first = '', ...others] = expression.split(/\s*(?=[*/])/);
  const factor = (name: string): number => {
    const number = /^(\d+)u?$/.exec(name)?.[1] ?? overrides[name];
    if (number !== undefined) return Number(number);
    const { body } = textOf(kernel);
    const declared = new RegExp(`^(?:override|const) ${name}(?:: u32)? = ([^;]+);`, 'm').exec(body);
    if (!declared) throw new Error(`${kernel.name}: ${expression} is no number`);
    return numberOf(declared[1]!, kernel, overrides);
  };
  return others.reduce((value, operation) => {
    const operand = factor(operation.slice(1).trim());
    return operation.startsWith('*') ? value * operand : Math.floor(value / operand);
  }, factor(first.trim()));
}

/** Threads of a workgroup along x and y. */
export function workgroupSize(kernel: Kernel, overrides: Numbers): readonly [number, number] {
  const [x = 1, y = 1] = textOf(kernel).size.map((side) => numberOf(side, kernel, overrides));
  return [x, y];
}

/** Type of a buffer as the text declares it. */
export const bufferType = (kernel: Kernel, name: string): string | undefined =>
  textOf(kernel).bindings.get(name)?.type;

/**
 * Arrays in workgroup memory, and for each part which of them its own ones are: a workgroup does one part, so parts share
 * those of one type and length.
 */
export function sharedMemory(parts: readonly KernelUse[]) {
  const arrays: Shared<number>[] = [];
  const names = parts.map(({ kernel, overrides }) => {
    const free = [...arrays];
    const own = textOf(kernel).shared.map(({ name, element, length: declared }) => {
      const length = numberOf(declared, kernel, overrides);
      const known = free.findIndex((one) => one.element === element && one.length === length);
      if (known >= 0) return [name, free.splice(known, 1)[0]!.name] as const;
      const array = { name: `shared_${arrays.length}`, element, length };
      arrays.push(array);
      return [name, array.name] as const;
    });
    return new Map(own);
  });
  return { arrays, names };
}

/** From one element of an array to the next. */
const STRIDES: Readonly<Record<string, number>> = {
  u32: 4,
  f32: 4,
  vec2f: 8,
  vec3f: 16,
  vec4f: 16,
};

/** Bytes of workgroup memory of parts that are joined. */
export const sharedBytes = (parts: readonly KernelUse[]): number =>
  sharedMemory(parts).arrays.reduce(
    (sum, { element, length }) => sum + length * (STRIDES[element] ?? Number.NaN),
    0,
  );
