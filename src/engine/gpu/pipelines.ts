/** @file Compiles kernels, each once a device. The layout comes from the declared access, not from use. */
import { ShaderError } from './errors';
import type { Kernel } from './kernel';
import type { Tape } from './tape';

/** A pipeline that is compiled when somebody first waits for it; bind groups can be made before. */
export class Compiling {
  /** undefined until `done`. A plain field: every dispatch of every step reads it. */
  pipeline: GPUComputePipeline | undefined = undefined;
  #done: Promise<void> | undefined;

  constructor(
    readonly layout: GPUBindGroupLayout,
    readonly create: () => Promise<GPUComputePipeline>,
  ) {}

  /** @throws {ShaderError} with the compiler's words and the line they speak of. */
  get done(): Promise<void> {
    if (!this.#done) {
      this.#done = this.#compile();
      this.#done.catch(() => {}); // told to whoever waits, now or later
    }
    return this.#done;
  }

  async #compile(): Promise<void> {
    this.pipeline = await this.create();
  }
}

export type Progress = (done: number, total: number) => void;

interface Cache {
  /** By `pipelineKey`. */
  readonly pipelines: Map<string, Compiling>;
  /** By their text: entry points and constants of one file share what was read. */
  readonly modules: Map<string, GPUShaderModule>;
}

const caches = new WeakMap<GPUDevice, Cache>();

function cacheOf(device: GPUDevice): Cache {
  const cache = caches.get(device) ?? { pipelines: new Map(), modules: new Map() };
  caches.set(device, cache);
  return cache;
}

/** One text for one pipeline: kernel, entry point, what was made of its text, and overridden constants. */
export function pipelineKey(kernel: Kernel, overrides: Readonly<Record<string, number>>): string {
  const constants = Object.entries(overrides).map(([name, value]) => `${name}=${value}`);
  const edition = kernel.edition === undefined ? [] : [kernel.edition];
  return [kernel.name, kernel.entryPoint, ...edition, ...constants].join(' ');
}

/** The pipeline of a kernel, one for each device. */
export function compile(
  device: GPUDevice,
  kernel: Kernel,
  overrides: Readonly<Record<string, number>>,
): Compiling {
  const { pipelines } = cacheOf(device);
  const key = pipelineKey(kernel, overrides);
  const known = pipelines.get(key);
  if (known) return known;
  const compiling = build(device, kernel, overrides);
  pipelines.set(key, compiling);
  return compiling;
}

/**
 * Everything that these tapes dispatch, all at once: a device compiles on as many threads as it has.
 * @throws {ShaderError}
 */
export async function compileAll(
  device: GPUDevice,
  tapes: readonly Tape[],
  progress: Progress = () => {},
): Promise<void> {
  const dispatches = tapes.flatMap((tape) => tape.dispatches);
  const kinds = new Map(dispatches.map((d) => [pipelineKey(d.kernel, d.overrides), d]));
  let done = 0;
  const all = [...kinds.values()].map(async ({ kernel, overrides }) => {
    await compile(device, kernel, overrides).done;
    progress(++done, kinds.size);
  });
  await Promise.all(all);
}

function build(
  device: GPUDevice,
  kernel: Kernel,
  constants: Readonly<Record<string, number>>,
): Compiling {
  const layout = device.createBindGroupLayout({
    label: kernel.name,
    entries: layoutEntries(kernel),
  });
  return new Compiling(layout, () => create(device, kernel, layout, constants));
}

async function create(
  device: GPUDevice,
  kernel: Kernel,
  layout: GPUBindGroupLayout,
  constants: Readonly<Record<string, number>>,
): Promise<GPUComputePipeline> {
  const module = moduleOf(device, kernel);
  try {
    return await device.createComputePipelineAsync({
      label: `${kernel.name} ${kernel.entryPoint}`,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.entryPoint, constants },
    });
  } catch (error) {
    throw new ShaderError(await explain(module, kernel, error));
  }
}

function moduleOf(device: GPUDevice, { name, wgsl }: Kernel): GPUShaderModule {
  const { modules } = cacheOf(device);
  const module = modules.get(wgsl) ?? device.createShaderModule({ label: name, code: wgsl });
  modules.set(wgsl, module);
  return module;
}

function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  const uniforms = [kernel.paramsBinding, kernel.liveBinding].filter((n) => n !== undefined);
  return [
    ...uniforms.map((binding) => ({ binding, visibility, buffer: { type: 'uniform' as const } })),
    ...[...kernel.bindings].map(([name, binding]) => ({
      binding,
      visibility,
      buffer: {
        type:
          kernel.buffers[name] === 'read' ? ('read-only-storage' as const) : ('storage' as const),
      },
    })),
  ];
}

async function explain(module: GPUShaderModule, kernel: Kernel, error: unknown): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = kernel.wgsl.split('\n');
  const words = messages
    .filter((message) => message.type === 'error')
    .map(({ lineNum, message }) => `line ${lineNum}: ${message}\n  ${lines[lineNum - 1] ?? ''}`);
  const reason = error instanceof Error ? error.message : String(error);
  return [
    `${kernel.name} ${kernel.entryPoint} did not compile`,
    ...(words.length ? words : [reason]),
  ].join('\n');
}
