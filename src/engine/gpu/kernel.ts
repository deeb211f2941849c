/**
 * @file A kernel: one entry point of one WGSL file, its buffers by name, and its parameters.
 *
 * Binding numbers stand in the WGSL and nowhere else. A kernel names its buffers and parameters a
 * second time so that the compiler can check every caller; `defineKernel` compares the two lists
 * when the module loads and throws where they differ.
 */

export type ScalarType = 'u32' | 'f32';
export type Fields<N extends string = string> = Readonly<Record<N, ScalarType>>;
export type Access = 'read' | 'read_write';

export interface KernelSpec<
  B extends string = string,
  P extends string = string,
  L extends string = string,
> {
  /** File name of the shader without its ending, and what it ends in behind a dot; also the label in a GPU trace. */
  readonly name: string;
  readonly wgsl: string;
  readonly entryPoint: string;
  /** Every storage buffer, in binding order, with the access that the WGSL declares. */
  readonly buffers: Readonly<Record<B, Access>>;
  /** The fields of `struct Params`: fixed when a program is recorded. */
  readonly params: Readonly<Record<P, ScalarType>>;
  /** The fields of `struct Live`: may change from step to step. */
  readonly live?: Readonly<Record<L, ScalarType>>;
}

export interface Kernel<
  B extends string = string,
  P extends string = string,
  L extends string = string,
> extends KernelSpec<B, P, L> {
  /** Binding number by buffer name. */
  readonly bindings: ReadonlyMap<string, number>;
  readonly paramsBinding: number;
  readonly liveBinding: number | undefined;
  /** `const THREADS` of the WGSL: threads in one workgroup. */
  readonly threads: number;
  /** What was made of the file's text, where it is not taken as it is: `storage.ts`, `joinedKernel.ts`. */
  readonly edition?: string;
}

const BUFFER = /@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)> (\w+)/g;
const UNIFORM = /@group\(0\) @binding\((\d+)\) var<uniform> (params|live)/g;
const THREADS = /const THREADS = (\d+)u;/;
const FIELD = /(\w+): (u32|f32)/g;

/** @throws {Error} where the names in TypeScript and in WGSL differ: both lists stand in the message. */
export function defineKernel<B extends string, P extends string, L extends string = never>(
  spec: KernelSpec<B, P, L>,
): Kernel<B, P, L> {
  const found = [...spec.wgsl.matchAll(BUFFER)].map(([, binding, access, name]) => ({
    binding: Number(binding),
    name: name!,
    access: access!,
  }));
  // A file may hold several entry points; a kernel names the buffers that its own entry uses.
  const named = new Map(found.map((b) => [b.name, b]));
  for (const [name, access] of Object.entries<Access>(spec.buffers)) {
    const there = named.get(name);
    if (there?.access === access) continue;
    const list = found.map((b) => `${b.name}: ${b.access}`).join(', ');
    throw new Error(
      `${spec.name}: buffers differ. WGSL has [${list}], TypeScript wants ${name}: ${access}`,
    );
  }
  sameFields(spec.name, 'Params', spec.wgsl, spec.params);
  sameFields(spec.name, 'Live', spec.wgsl, spec.live ?? {}, spec.live === undefined);
  const uniforms = new Map(
    [...spec.wgsl.matchAll(UNIFORM)].map(([, n, name]) => [name!, Number(n)]),
  );
  const threads = spec.wgsl.match(THREADS)?.[1];
  if (!threads) throw new Error(`${spec.name}: the WGSL has no const THREADS`);
  return {
    ...spec,
    bindings: new Map(Object.keys(spec.buffers).map((name) => [name, named.get(name)!.binding])),
    paramsBinding: uniforms.get('params') ?? 0,
    liveBinding: spec.live === undefined ? undefined : uniforms.get('live'),
    threads: Number(threads),
  };
}

function sameFields(
  kernel: string,
  struct: string,
  wgsl: string,
  want: Fields,
  mayBeUnused = false,
): void {
  const body = wgsl.match(new RegExp(`struct ${struct} \\{([^}]*)\\}`))?.[1] ?? '';
  const inWgsl = [...body.matchAll(FIELD)].map(([, name, type]) => `${name}: ${type}`).join(', ');
  const inTypeScript = Object.entries(want)
    .map(([name, type]) => `${name}: ${type}`)
    .join(', ');
  if (inWgsl === inTypeScript || (mayBeUnused && inTypeScript === '')) return;
  throw new Error(
    `${kernel}: ${struct} differs. WGSL has [${inWgsl}], TypeScript has [${inTypeScript}]`,
  );
}
